import { freshDatabase, startOpenAIEndpoint } from "@evenkeel/testing";
import type { FreshDatabase, OpenAIEndpoint } from "@evenkeel/testing";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { createLog, faultsOf, script } from "./support/retry-case.ts";

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

// The whole matrix is `npm run test:crash:retry`; here one kill per graph, each at another turn.
describe("killed, another process goes on with the right attempt", () => {
  test.each([
    { kind: "StateGraph", at: "attempt-failed", hit: 1 },
    { kind: "createReactAgent", at: "attempt-started", hit: 2 },
    { kind: "createAgent", at: "tool", hit: 2 },
  ] as const)("$kind, at $at $hit", async (cut) => {
    expect(await faultsOf(cut, { endpoint, database })).toEqual([]);
  });
});
