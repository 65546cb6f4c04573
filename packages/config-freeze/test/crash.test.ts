import { freshDatabase, startOpenAIEndpoint } from "@evenkeel/testing";
import type { FreshDatabase, OpenAIEndpoint } from "@evenkeel/testing";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { faultsOf, runCase, script, titleOf } from "./support/freeze-case.ts";
import type { Cut, FreezeCase } from "./support/freeze-case.ts";
import type { Shape } from "./support/shapes.ts";

let endpoint: OpenAIEndpoint;
let database: FreshDatabase;
beforeAll(async () => {
  [endpoint, database] = await Promise.all([startOpenAIEndpoint({ script }), freshDatabase()]);
  await new PostgresSaver(database.pool, undefined, {
    schema: database.schema ?? "public",
  }).setup();
});
afterAll(async () => {
  await endpoint.close();
  await database.drop();
});

/** The short form: every shape, every cut and both durabilities; `npm run test:crash:freeze` has them all. */
const FROZEN: readonly [Shape, Cut, FreezeCase["durability"]][] = [
  ["three prompts", "model", "sync"],
  ["three prompts", "fork", "sync"],
  ["three prompts", "tool", "async"],
  ["subgraphs", "first model call", "sync"],
  ["subgraphs", "interrupt", "sync"],
  ["createReactAgent v1", "between steps", "sync"],
  ["createReactAgent v2", "tool", "sync"],
  ["createAgent", "model", "sync"],
  ["createAgent", "fork", "sync"],
  ["deepagents", "tool", "sync"],
  ["deepagents", "first model call", "async"],
];
const BARE: readonly [Shape, Cut, FreezeCase["durability"]][] = [
  ["three prompts", "model", "sync"],
  ["subgraphs", "interrupt", "sync"],
  ["createAgent", "tool", "sync"],
  ["deepagents", "tool", "sync"],
];

describe("an execution that another process carries on over a deploy", () => {
  test.each(FROZEN)("is sent frozen: %s, %s, %s", async (shape, cut, durability) => {
    const freezeCase: FreezeCase = { shape, cut, durability, frozen: true };
    const outcome = await runCase(freezeCase, { endpoint, database });
    expect(faultsOf(freezeCase, outcome), titleOf(freezeCase)).toEqual([]);
  });

  test.each(BARE)("changes without the middleware: %s, %s, %s", async (shape, cut, durability) => {
    const freezeCase: FreezeCase = { shape, cut, durability, frozen: false };
    const outcome = await runCase(freezeCase, { endpoint, database });
    expect(faultsOf(freezeCase, outcome), titleOf(freezeCase)).toEqual([]);
  });
});
