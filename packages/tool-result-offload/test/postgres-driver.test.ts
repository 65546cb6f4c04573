import { randomBytes } from "node:crypto";

import { freshDatabase } from "@evenkeel/testing";
import type { FreshDatabase } from "@evenkeel/testing";
import { PostgresStore } from "@langchain/langgraph-checkpoint-postgres/store";
import type { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { baseStoreResults } from "../src/base-store-driver.ts";
import { CHUNK_BYTES } from "../src/chunk.ts";
import { createResultStore } from "../src/create-result-store.ts";
import { postgresResults } from "../src/postgres-driver.ts";
import { resultTablesSql } from "../src/postgres-results-sql.ts";
import { searchResult } from "../src/tools/search-result.ts";
import { testResultStore } from "./result-store-suite.ts";

describe("on a real Postgres", () => {
  let database: FreshDatabase;
  let schemas = 0;

  beforeAll(async () => {
    database = await freshDatabase();
  });
  afterAll(() => database.drop());

  async function newSchema(): Promise<string> {
    schemas += 1;
    const schema = `results "${schemas}"`;
    await database.pool.query(`CREATE SCHEMA "results ""${schemas}"""; ${resultTablesSql(schema)}`);
    return schema;
  }

  testResultStore("Postgres", async () => {
    const schema = await newSchema();
    const drop = `DROP SCHEMA "${schema.replaceAll('"', '""')}" CASCADE`;
    return {
      driver: postgresResults(database.pool, schema),
      reopen: () => postgresResults(database.pool, schema),
      leavesOrphans: true,
      mostCopies: 1,
      close: async () => {
        await database.pool.query(drop);
      },
    };
  });

  testResultStore("LangGraph's PostgresStore", async () => {
    schemas += 1;
    const schema = `store_${schemas}`;
    const store = PostgresStore.fromConnString(database.url, { schema });
    await store.setup();
    return {
      driver: baseStoreResults(store),
      reopen: () => baseStoreResults(store),
      leavesOrphans: true,
      mostCopies: 2,
      close: async () => {
        await store.stop();
        await database.pool.query(`DROP SCHEMA ${schema} CASCADE`);
      },
    };
  });

  /** The pool, counting what goes over the wire. */
  function metered(): { pool: Pool; queries: () => number; chunkBytes: () => number } {
    let queries = 0;
    let chunkBytes = 0;
    const pool = new Proxy(database.pool, {
      get: (target, property) => {
        if (property !== "query") return Reflect.get(target, property);
        return async (text: string, values: unknown[]) => {
          queries += 1;
          const result = await target.query<{ bytes?: Buffer }>(text, values);
          for (const row of result.rows) chunkBytes += row.bytes?.length ?? 0;
          return result;
        };
      },
    });
    return { pool, queries: () => queries, chunkBytes: () => chunkBytes };
  }

  const owner = { scope: "s", threadId: "t" };

  test("reads a slice of 20 MB in one round trip, and no chunk that it does not lie in", async () => {
    const meter = metered();
    const store = createResultStore(postgresResults(meter.pool, await newSchema()));
    const line = `${"x".repeat(99)}\n`;
    const { handle } = await store.put(owner, line.repeat(200_000));
    for (const range of [
      { offset: 10_000_000, length: 4_000 },
      { line: 150_000, lines: 40, maxBytes: 16_384 },
    ]) {
      const [queries, bytes] = [meter.queries(), meter.chunkBytes()];
      expect((await store.read(owner, handle, range))?.bytes.length).toBe(4_000);
      expect(meter.queries() - queries).toBe(1);
      expect(meter.chunkBytes() - bytes).toBeLessThanOrEqual(2 * CHUNK_BYTES);
    }
  });

  test("stores up to a megabyte in one write behind one look-up, and the same again in one", async () => {
    const meter = metered();
    const store = createResultStore(postgresResults(meter.pool, await newSchema()));
    const bytes = randomBytes(1_000_000);
    await store.put(owner, bytes);
    expect(meter.queries()).toBe(2);
    await store.put(owner, bytes);
    expect(meter.queries()).toBe(3);
  });

  test("reads no further than a search needs", async () => {
    const meter = metered();
    const store = createResultStore(postgresResults(meter.pool, await newSchema()));
    const { handle } = await store.put(owner, `needle\n${"hay\n".repeat(5_000_000)}`);
    const bytes = meter.chunkBytes();
    await searchResult({ store, owner }, { handle, pattern: "needle", limit: 1 });
    expect(meter.chunkBytes() - bytes).toBeLessThanOrEqual(2 * 1024 * 1024);
  });
});
