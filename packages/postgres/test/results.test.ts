import { randomBytes } from "node:crypto";

import { afterAll, beforeAll, expect, it } from "vitest";

import { freshDatabase } from "../../testing/src/postgres/fresh-database.ts";
import type { FreshDatabase } from "../../testing/src/postgres/fresh-database.ts";
import {
  assertBytes,
  chunksOf,
  contentNamed,
  contentOf,
  keep,
  sampleOwner,
  sampleResult,
} from "../../testing/src/store/result-samples.ts";
import { evenkeelPostgres } from "../src/postgres.ts";
import type { EvenkeelPostgres } from "../src/postgres.ts";
import { xorCodec } from "./xor-codec.ts";

let database: FreshDatabase;
let schema: string;
let store: EvenkeelPostgres;

beforeAll(async () => {
  database = await freshDatabase();
  schema = database.schema ?? "evenkeel";
  store = evenkeelPostgres(database.pool, { schema });
  await store.setup();
});
afterAll(() => database.drop());

async function rowsOf(table: string, where = "true"): Promise<number> {
  const { rows } = await database.pool.query<{ count: string }>(
    `SELECT count(*) FROM "${schema}".${table} WHERE ${where}`,
  );
  return Number(rows[0]?.count);
}

it("leaves nothing of a forgotten scope in any table", async () => {
  const owner = sampleOwner();
  await keep(store, owner, randomBytes(50_000));
  await keep(store, sampleOwner(owner.scope), randomBytes(50_000));
  await store.forget({ scope: owner.scope });
  for (const table of ["results", "result_contents", "result_chunks"]) {
    expect(await rowsOf(table)).toBe(0);
  }
});

it("keeps the chunks of a write under way out of sight, and drops them when it is given up", async () => {
  const owner = sampleOwner();
  const writer = store.writeResult(owner, Date.now());
  for (const chunk of chunksOf(randomBytes(40_000))) await writer.write(chunk);
  expect(await rowsOf("result_chunks")).toBeGreaterThan(0);
  expect(await store.resultUsage({ scope: owner.scope })).toMatchObject({ storedBytes: 0 });
  await writer.abort();
  expect(await rowsOf("result_chunks")).toBe(0);
});

it("refuses to commit what a prune has taken for an orphan", async () => {
  const owner = sampleOwner();
  const content = randomBytes(40_000);
  const writer = store.writeResult(owner, Date.now() - 2 * 3_600_000);
  for (const chunk of chunksOf(content)) await writer.write(chunk);
  expect(await store.prune({ olderThanMs: 1e12 })).toBe(1);
  const committed = writer.commit(sampleResult(content));
  await expect(committed).rejects.toMatchObject({ code: "result-lost" });
  expect(await rowsOf("result_contents")).toBe(0);
});

it("encrypts chunks and facts, reads what was written before there was a codec, and names the codec where it is missing", async () => {
  const sealed = evenkeelPostgres(database.pool, { schema, codec: xorCodec });
  const owner = sampleOwner();
  const plain = contentNamed("before the codec");
  const secret = Buffer.from("secret ".repeat(5_000));
  const old = await keep(store, owner, plain);
  const meta = { note: "also secret" };
  const { handle } = await keep(sealed, owner, secret, { meta });
  assertBytes(await contentOf(sealed, owner, old.handle), plain);
  assertBytes(await contentOf(sealed, owner, handle), secret);
  expect((await sealed.findResult(owner, handle))?.meta).toEqual(meta);
  expect(await rowsOf("result_chunks", `encode(bytes, 'escape') LIKE '%secret %'`)).toBe(0);
  await expect(contentOf(store, owner, handle)).rejects.toMatchObject({ code: "row-unreadable" });
});

it("evicts more than a thousand results at once", async () => {
  const owner = sampleOwner();
  const content = contentNamed("tiny", 10);
  const { handle } = await keep(store, owner, content);
  await database.pool.query(
    `INSERT INTO "${schema}".results
     SELECT scope, thread_id, 'copy-' || n, content_id, digest, size, lines, created_at, used_at, ttl_ms,
       expires_at, body, sealed
     FROM "${schema}".results, generate_series(1, 2500) n WHERE handle = $1`,
    [handle],
  );
  const eviction = { subject: owner, bytes: 1_000_000, keep: { owner, handle } };
  const gone = [];
  for (let count = 1; count > 0; gone.push(count)) count = await store.evictResults(eviction);
  expect(gone).toEqual([1_000, 1_000, 500, 0]);
  assertBytes(await contentOf(store, owner, handle), content);
});
