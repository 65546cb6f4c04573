import { createServer } from "node:net";

import { Pool } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { freshDatabase } from "../../testing/src/postgres/fresh-database.ts";
import type { FreshDatabase } from "../../testing/src/postgres/fresh-database.ts";
import { sampleAudit, sampleEvent, sampleRecord } from "../../testing/src/store/samples.ts";
import { testStore } from "../../testing/src/store/test-store.ts";
import { PostgresError } from "../src/errors.ts";
import { evenkeelPostgres } from "../src/postgres.ts";
import { transactionPool } from "./transaction-pool.ts";
import type { TransactionPool } from "./transaction-pool.ts";
import { xorCodec } from "./xor-codec.ts";

let database: FreshDatabase;
let schema: string;

beforeAll(async () => {
  database = await freshDatabase();
  schema = database.schema ?? "evenkeel";
  await evenkeelPostgres(database.pool, { schema }).setup();
});

afterAll(() => database.drop());

describe("behind a pooler in transaction mode", () => {
  let pool: TransactionPool;

  beforeAll(async () => {
    pool = await transactionPool(database.url);
    await evenkeelPostgres(pool, { schema: `${schema}_pooled` }).setup();
  });

  afterAll(() => pool.end());

  it.each(testStore({ create: () => evenkeelPostgres(pool, { schema: `${schema}_pooled` }) }))(
    "$name",
    async ({ run }) => {
      await expect(run()).resolves.toBeUndefined();
    },
  );

  it("sends one message per operation, and one to begin with", async () => {
    const counted = { schema: `${schema}_counted` };
    const store = evenkeelPostgres(pool, counted);
    await store.setup();
    await store.lastSequence("execution");
    pool.sent.length = 0;
    const events = Array.from({ length: 500 }, (_, index) => sampleEvent("execution", index + 1));
    await store.appendEvents("scope", events);
    await store.appendEvents("scope", []);
    await store.lastSequence("execution");
    await store.listEvents("execution");
    await store.putRecord(sampleRecord("scope", "execution"));
    await store.getRecord("execution");
    await store.listRecords({});
    await store.putManifest("scope", "hash", {});
    await store.getManifest("scope", "hash");
    await store.appendAudit(sampleAudit("scope"));
    await store.listAudit({});
    await store.prune({ olderThanMs: 1_000_000 });
    await store.forget({ scope: "scope" });
    // Erasing and pruning also ask the tables of results.
    expect(pool.sent).toHaveLength(12 + 1 + 2);
    await evenkeelPostgres(pool, counted).getRecord("execution");
    expect(pool.sent).toHaveLength(17);
  });
});

describe("a server that goes away", () => {
  it("is store-unavailable with the driver's error as the cause", async () => {
    const port = await new Promise<number>((resolve) => {
      const server = createServer().listen(0, "127.0.0.1", () => {
        const address = server.address();
        server.close(() => resolve(typeof address === "object" ? (address?.port ?? 1) : 1));
      });
    });
    const pool = new Pool({ host: "127.0.0.1", port, user: "nobody", database: "none" });
    const store = evenkeelPostgres(pool);
    const expected = {
      code: "store-unavailable",
      message: expect.stringContaining("ECONNREFUSED"),
      cause: expect.objectContaining({ code: "ECONNREFUSED" }),
    };
    await expect(store.lastSequence("execution")).rejects.toMatchObject(expected);
    await expect(store.putManifest("scope", "hash", 1)).rejects.toMatchObject(expected);
    await expect(store.setup()).rejects.toMatchObject(expected);
    await pool.end();
  });

  it("ends neither the process nor the store when it cuts idle and working connections", async () => {
    const pool = new Pool({ connectionString: database.url, max: 2 });
    const store = evenkeelPostgres(pool, { schema });
    await store.putManifest("cut", "hash", 1);
    expect(pool.listenerCount("error")).toBe(1);
    const cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = ANY($1)";
    const idle = await pool.query("SELECT pg_backend_pid() AS pid");
    const gone = new Promise((removed) => pool.once("remove", removed));
    await database.pool.query(cut, [[idle.rows[0].pid]]);
    await gone;
    expect(await store.getManifest("cut", "hash")).toBe(1);
    await pool.end();
  });

  it("is left alone with the caller's own listener for errors", async () => {
    const pool = new Pool({ connectionString: database.url });
    const listener = (): void => undefined;
    pool.on("error", listener);
    evenkeelPostgres(pool, { schema });
    evenkeelPostgres(pool, { schema });
    expect(pool.listeners("error")).toEqual([listener]);
    await pool.end();
  });

  it("is found again once it is back", async () => {
    let broken = true;
    const pool = {
      query: (text: string, values?: unknown[]) =>
        broken
          ? Promise.reject(new Error("Connection terminated"))
          : database.pool.query(text, values),
      connect: () => database.pool.connect(),
    };
    const store = evenkeelPostgres(pool, { schema });
    await expect(store.lastSequence("x")).rejects.toMatchObject({ code: "store-unavailable" });
    broken = false;
    expect(await store.lastSequence("x")).toBe(0);
  });
});

describe("the codec", () => {
  afterEach(() => evenkeelPostgres(database.pool, { schema }).forget({ scope: "codec" }));

  it("leaves no body readable in the table, and no key unreadable", async () => {
    const store = evenkeelPostgres(database.pool, { schema, codec: xorCodec });
    await store.putRecord(sampleRecord("codec", "e-codec", { facts: { said: "plainly" } }));
    const { rows } = await database.pool.query(
      `SELECT execution_id, body, sealed FROM "${schema}".run_records WHERE scope = 'codec'`,
    );
    expect(rows).toEqual([{ execution_id: "e-codec", body: null, sealed: expect.any(Buffer) }]);
    expect(rows[0].sealed.toString("latin1")).not.toContain("plainly");
    expect((await store.getRecord("e-codec"))?.facts).toEqual({ said: "plainly" });
  });

  it("reads what was written before there was one", async () => {
    await evenkeelPostgres(database.pool, { schema }).putManifest("codec", "hash", { a: 1 });
    const store = evenkeelPostgres(database.pool, { schema, codec: xorCodec });
    expect(await store.getManifest("codec", "hash")).toEqual({ a: 1 });
  });

  it("is missed with a code where a row is encrypted", async () => {
    await evenkeelPostgres(database.pool, { schema, codec: xorCodec }).putManifest("codec", "h", 1);
    const read = evenkeelPostgres(database.pool, { schema }).getManifest("codec", "h");
    await expect(read).rejects.toMatchObject({
      code: "row-unreadable",
      message: expect.stringContaining("codec"),
    });
  });

  it.each([
    [
      "encrypt",
      {
        ...xorCodec,
        encrypt: () => {
          throw new Error("no key");
        },
      },
      "codec-failed",
    ],
    [
      "decrypt",
      { ...xorCodec, decrypt: () => Promise.reject(new Error("no key")) },
      "codec-failed",
    ],
    ["another key", { ...xorCodec, decrypt: (bytes: Uint8Array) => bytes }, "row-unreadable"],
  ])("is named as what failed: %s", async (_title, codec, code) => {
    await evenkeelPostgres(database.pool, { schema, codec: xorCodec }).putManifest("codec", "h", 1);
    const store = evenkeelPostgres(database.pool, { schema, codec });
    const work = async (): Promise<unknown> => {
      await store.putManifest("codec", "other", 1);
      return store.getManifest("codec", "h");
    };
    await expect(work()).rejects.toBeInstanceOf(PostgresError);
    await expect(work()).rejects.toMatchObject({ code, cause: expect.any(Error) });
  });

  it("makes a row of somebody else unreadable with a code, not with a crash", async () => {
    await database.pool.query(
      `INSERT INTO "${schema}".manifests VALUES ('codec', 'torn', now(), '{"a":', NULL)`,
    );
    const read = evenkeelPostgres(database.pool, { schema }).getManifest("codec", "torn");
    await expect(read).rejects.toMatchObject({
      code: "row-unreadable",
      cause: expect.any(SyntaxError),
    });
  });
});

describe("options", () => {
  it.each([
    ["an empty schema", { schema: "" }],
    ["a schema of more than 63 bytes", { schema: "a".repeat(64) }],
    ["a schema that closes its quote", { schema: 'a"; DROP SCHEMA public; --' }],
    ["a schema that closes the script's quote", { schema: "a$evenkeel$" }],
    ["a schema of Postgres", { schema: "pg_catalog" }],
    ["the information schema", { schema: "information_schema" }],
    ["a schema that begins with a digit", { schema: "1a" }],
    ["a schema in another script", { schema: "схема" }],
    ["a schema with a dot", { schema: "public.events" }],
    ["a codec of one half", JSON.parse('{"codec":{}}')],
    ["a schema that is a number", JSON.parse('{"schema":7}')],
    ["an unknown option", JSON.parse('{"schemaName":"a"}')],
  ])("refuses %s at construction", (_title, options) => {
    expect(() => evenkeelPostgres(database.pool, options)).toThrow(
      expect.objectContaining({
        code: "invalid-options",
        message: expect.stringContaining("evenkeelPostgres"),
      }),
    );
  });

  it.each(["undefined", "{}", '{"query":1}', '"postgres://x"'])("refuses %s as a pool", (json) => {
    const pool = json === "undefined" ? undefined : JSON.parse(json);
    expect(() => evenkeelPostgres(pool)).toThrow(
      expect.objectContaining({ code: "invalid-options" }),
    );
  });

  it("takes a schema whose name needs quotes", async () => {
    const store = evenkeelPostgres(database.pool, { schema: `${schema}_My-Shop` });
    await store.setup();
    expect(await store.lastSequence("execution")).toBe(0);
  });
});
