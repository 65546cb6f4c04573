import { CoreError } from "@evenkeel/core";
import { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { freshDatabase } from "../../testing/src/postgres/fresh-database.ts";
import type { FreshDatabase } from "../../testing/src/postgres/fresh-database.ts";
import { sampleClaim, sampleEvent } from "../../testing/src/store/samples.ts";
import { MIGRATIONS, SCHEMA_VERSION } from "../src/migrations.ts";
import { evenkeelPostgres } from "../src/postgres.ts";
import type { EvenkeelPostgres } from "../src/postgres.ts";
import { setupScript } from "../src/setup-sql.ts";

const ALL = MIGRATIONS.map(({ version, name }) => ({ version, name }));

let database: FreshDatabase;
let schemas = 0;

beforeAll(async () => {
  database = await freshDatabase({ maxConnections: 20 });
});

afterAll(() => database.drop());

/** A schema name nobody used before, which goes with the database. */
function freshSchema(): string {
  schemas += 1;
  return `${database.schema ?? "evenkeel"}_${schemas}`;
}

function storeIn(schema: string): EvenkeelPostgres {
  return evenkeelPostgres(database.pool, { schema });
}

async function versionsOf(schema: string): Promise<unknown[]> {
  const { rows } = await database.pool.query(`SELECT version, name FROM "${schema}".migrations`);
  return rows;
}

describe("setup", () => {
  it("creates the schema, and changes nothing the second time", async () => {
    const schema = freshSchema();
    const store = storeIn(schema);
    await store.setup();
    await store.appendEvents("scope", [sampleEvent("execution", 1)]);
    await store.setup();
    expect(await store.lastSequence("execution")).toBe(1);
    expect(await versionsOf(schema)).toEqual(ALL);
  });

  it("succeeds in each of twenty connections that set up at once", async () => {
    const schema = freshSchema();
    const settled = await Promise.allSettled(
      Array.from({ length: 20 }, () => storeIn(schema).setup()),
    );
    expect(settled.filter(({ status }) => status === "rejected")).toEqual([]);
    expect(await versionsOf(schema)).toEqual(ALL);
  });

  it("succeeds at once where transactions are serializable by default", async () => {
    const options = "-c default_transaction_isolation=serializable";
    const pool = new Pool({ connectionString: database.url, max: 20, options });
    const schema = freshSchema();
    const store = evenkeelPostgres(pool, { schema });
    await Promise.all(Array.from({ length: 10 }, () => store.setup()));
    const events = Array.from({ length: 50 }, (_, index) => sampleEvent("execution", index + 1));
    await Promise.all(Array.from({ length: 20 }, () => store.appendEvents("scope", events)));
    expect(await store.lastSequence("execution")).toBe(50);
    await pool.end();
  });

  it("prints what it runs, and that runs as it is printed, again and again", async () => {
    const schema = freshSchema();
    const store = storeIn(schema);
    await database.pool.query(store.setupSql());
    await database.pool.query(store.setupSql());
    await store.appendEvents("scope", [sampleEvent("execution", 1)]);
    expect(await store.lastSequence("execution")).toBe(1);
  });

  it("brings a schema of the first release up to date, and keeps what is in it", async () => {
    const schema = freshSchema();
    await database.pool.query(setupScript(schema, MIGRATIONS.slice(0, 1)));
    await database.pool.query(
      `INSERT INTO "${schema}".audit (id, at, body) VALUES ('old', now(), '{}')`,
    );
    const store = storeIn(schema);
    await expect(store.listAudit({})).rejects.toMatchObject({ code: "schema-not-set-up" });
    await store.setup();
    expect(await versionsOf(schema)).toEqual(ALL);
    expect(await store.listAudit({})).toHaveLength(1);
    expect(await store.listEffects({ scope: "scope" })).toEqual([]);
  });

  it("finishes in a schema that an administrator has created", async () => {
    const schema = freshSchema();
    await database.pool.query(`CREATE SCHEMA "${schema}"`);
    await storeIn(schema).setup();
    expect(await versionsOf(schema)).toEqual(ALL);
  });

  it("refuses a schema of a newer release, by setup and by use, and leaves it as it is", async () => {
    const schema = freshSchema();
    await storeIn(schema).setup();
    await database.pool.query(`INSERT INTO "${schema}".migrations VALUES (99, 'later')`);
    const store = storeIn(schema);
    const code = "schema-version-unsupported";
    await expect(store.setup()).rejects.toMatchObject({ code });
    await expect(store.lastSequence("execution")).rejects.toMatchObject({
      code,
      message: expect.stringContaining(`knows version ${SCHEMA_VERSION}`),
    });
    const append = store.appendEvents("scope", [sampleEvent("execution", 1)]);
    await expect(append).rejects.toMatchObject({ code });
    const { rows } = await database.pool.query(`SELECT 1 FROM "${schema}".events`);
    expect(rows).toEqual([]);
  });

  it("refuses a schema that holds other tables, and leaves no half of its own behind", async () => {
    const [taken, foreign] = [freshSchema(), freshSchema()];
    await database.pool.query(`CREATE SCHEMA "${taken}"; CREATE TABLE "${taken}".audit (x int)`);
    await database.pool.query(
      `CREATE SCHEMA "${foreign}"; CREATE TABLE "${foreign}".migrations (x int)`,
    );
    for (const schema of [taken, foreign]) {
      await expect(storeIn(schema).setup()).rejects.toMatchObject({ code: "schema-occupied" });
      const tables = await database.pool.query(
        "SELECT tablename FROM pg_tables WHERE schemaname = $1",
        [schema],
      );
      expect(tables.rows).toHaveLength(1);
    }
    // The failed transaction did not stay on the pool's connection.
    expect((await database.pool.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  });

  it("names setup() where the tables are not there, and works once it was run elsewhere", async () => {
    const schema = freshSchema();
    const store = storeIn(schema);
    await expect(store.lastSequence("execution")).rejects.toMatchObject({
      code: "schema-not-set-up",
      message: expect.stringMatching(/setup\(\).*setupSql\(\)/),
      cause: expect.any(Error),
    });
    await expect(store.lastSequence("execution")).rejects.toBeInstanceOf(CoreError);
    await storeIn(schema).setup();
    expect(await store.lastSequence("execution")).toBe(0);
  });

  it("names setupSql() where the role may create nothing", async (context) => {
    const schema = freshSchema();
    const role = `${schema}_reader_${Date.now()}`;
    const created = await database.pool.query(`CREATE ROLE "${role}" LOGIN PASSWORD 'x'`).then(
      () => true,
      () => false,
    );
    if (!created) context.skip("the server lets this role create no other one");
    const client = await database.pool.connect();
    const asRole = {
      query: (text: string, values?: unknown[]) => client.query(text, values),
      connect: async () => ({
        query: (text: string) => client.query(text),
        release: () => undefined,
      }),
    };
    try {
      await client.query(`SET ROLE "${role}"`);
      const store = evenkeelPostgres(asRole, { schema });
      await expect(store.setup()).rejects.toMatchObject({
        code: "schema-not-set-up",
        message: expect.stringContaining("setupSql()"),
        cause: expect.objectContaining({ code: "42501" }),
      });
      await client.query("RESET ROLE");
      await client.query(store.setupSql());
      await client.query(`GRANT USAGE ON SCHEMA "${schema}" TO "${role}"`);
      await client.query(
        `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "${schema}" TO "${role}"`,
      );
      await client.query(`GRANT USAGE ON ALL SEQUENCES IN SCHEMA "${schema}" TO "${role}"`);
      await client.query(`SET ROLE "${role}"`);
      await store.setup();
      await store.appendEvents("scope", [sampleEvent("execution", 1)]);
      expect(await store.lastSequence("execution")).toBe(1);
      const wanted = { scope: "scope", executionId: "execution", threadId: "thread" };
      const lease = { ...wanted, owner: "owner", leaseMs: 1_000, supersedes: undefined };
      expect(await store.acquireLease(lease)).toMatchObject({ granted: true });
      const claimed = await store.claimEffect(sampleClaim("scope", { executionId: "execution" }));
      if (claimed.status !== "claimed") throw new Error(claimed.status);
      expect(await store.settleEffect(claimed.claim, { status: "settled", result: 1 })).toBe(true);
    } finally {
      await client.query(`RESET ROLE; DROP OWNED BY "${role}"; DROP ROLE "${role}"`);
      client.release();
    }
  });
});
