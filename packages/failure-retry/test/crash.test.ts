import { freshDatabase, startOpenAIEndpoint } from "@evenkeel/testing";
import type { FreshDatabase, OpenAIEndpoint } from "@evenkeel/testing";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { createLog, faultsOf, script } from "./support/retry-case.ts";
import { KINDS } from "./support/retry-job.ts";

let endpoint: OpenAIEndpoint;
let database: FreshDatabase;
beforeAll(async () => {
  [endpoint, database] = await Promise.all([startOpenAIEndpoint({ script }), freshDatabase()]);
  const schema = database.schema ?? "public";
  await new PostgresSaver(database.pool, undefined, { schema }).setup();
  await createLog(database);
});
afterAll(async () => {
  await endpoint.close();
  await database.drop();
});

// The whole matrix is `npm run test:crash:retry`; here one kill per graph at each turn of an attempt.
const CUTS = [
  { at: "attempt-failed", hit: 1 },
  { at: "attempt-started", hit: 2 },
] as const;

describe.each(KINDS)("%s, killed", (kind) => {
  test.each(CUTS)("at $at $hit, goes on with the right attempt", async (cut) => {
    expect(await faultsOf({ kind, ...cut }, { endpoint, database })).toEqual([]);
  });
});
