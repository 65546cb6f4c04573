import { evenkeelPostgres } from "@evenkeel/postgres";
import { freshDatabase } from "@evenkeel/testing";
import type { FreshDatabase } from "@evenkeel/testing";
import { afterAll, beforeAll, expect, test } from "vitest";

import { openReading } from "../src/reading/context.ts";
import type { ReadingContext } from "../src/reading/context.ts";
import { queryResult } from "../src/reading/query/query-result.ts";
import { readResult } from "../src/reading/read-result.ts";
import { searchResult } from "../src/reading/search/search-result.ts";
import { CHUNK_BYTES } from "../src/results/chunk.ts";
import { meteredPool } from "./support/metered-pool.ts";
import type { MeteredPool } from "./support/metered-pool.ts";
import { quotedIn } from "./support/quoted.ts";

const owner = { scope: "s", threadId: "t" };
const LINES = 200_000;
/** Twenty megabytes of JSON Lines, a hundred bytes each. */
const EXPORT = Array.from({ length: LINES }, (_, order) =>
  `{"order":${order},"city":"Rome"`.padEnd(98).concat("}\n"),
).join("");

let database: FreshDatabase;
let meter: MeteredPool;
let context: ReadingContext;
let handle: string;

beforeAll(async () => {
  database = await freshDatabase();
  meter = meteredPool(database.pool);
  const store = evenkeelPostgres(meter.pool, { schema: database.schema ?? "evenkeel" });
  await store.setup();
  context = openReading({ store, owner });
  ({ handle } = await context.results.put(owner, EXPORT));
});
afterAll(() => database.drop());

/** What some reading took from the database. */
async function taken(read: () => Promise<unknown>): Promise<{ queries: number; bytes: number }> {
  const [queries, bytes] = [meter.queries(), meter.bytesRead()];
  await read();
  return { queries: meter.queries() - queries, bytes: meter.bytesRead() - bytes };
}

/** Chunks carry their row along: handle, hash, sizes. */
const ROW_BYTES = 1_000;

test.each([
  ["the middle", { offset: 10_000_000, bytes: 4_000 }, 1],
  ["a chunk's edge", { offset: 100 * CHUNK_BYTES - 1_000, bytes: 4_000 }, 2],
  ["lines by number", { line: 150_000, lines: 40 }, 2],
])("reads %s of 20 MB in one round trip and %s", async (_, wanted, chunks) => {
  const { queries, bytes } = await taken(() => readResult(context, { handle, ...wanted }));
  expect(queries).toBe(1);
  expect(bytes).toBeGreaterThan(4_000);
  expect(bytes).toBeLessThan(chunks * (CHUNK_BYTES + ROW_BYTES));
});

test("reads for a search as far as it looks, and each byte once over its pages", async () => {
  const early = { handle, pattern: '"order":77,', limit: 1, context: 0 };
  const found = await taken(async () => {
    expect((await searchResult(context, early)).details).toMatchObject({ matches: 1 });
  });
  expect(found.bytes).toBeLessThan(2 * (CHUNK_BYTES + ROW_BYTES));
  const whole = await taken(async () => {
    const answer = await searchResult(context, { handle, pattern: '"city":"Paris"' });
    expect(answer.details).toMatchObject({ matches: 0, next: null });
  });
  expect(whole.bytes / EXPORT.length).toBeGreaterThan(1);
  expect(whole.bytes / EXPORT.length).toBeLessThan(1.02);
});

test("reads for a query all of it, once", async () => {
  const whole = await taken(async () => {
    const answer = await queryResult(context, { handle, query: "size()" });
    expect(quotedIn(answer.text)).toBe(String(LINES));
  });
  expect(whole.bytes / EXPORT.length).toBeGreaterThan(1);
  expect(whole.bytes / EXPORT.length).toBeLessThan(1.02);
});

test("writes up to a megabyte in one statement behind one look-up, and the same again in one", async () => {
  const megabyte = "x".repeat(1_000_000);
  expect((await taken(() => context.results.put(owner, megabyte))).queries).toBe(2);
  expect((await taken(() => context.results.put(owner, megabyte))).queries).toBe(1);
});
