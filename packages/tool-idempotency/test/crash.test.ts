import { freshDatabase, startOpenAIEndpoint } from "@evenkeel/testing";
import type { FreshDatabase, OpenAIEndpoint } from "@evenkeel/testing";
import { afterAll, beforeAll, expect, test } from "vitest";

import { effectsScript, effectsStage, faultsOf, runCase, titleOf } from "./support/effects-case.ts";
import type { EffectsCase, EffectsOutcome, EffectsStage } from "./support/effects-case.ts";
import type { Kind, Scene } from "./support/effects-job.ts";

let endpoint: OpenAIEndpoint;
let database: FreshDatabase;
let stage: EffectsStage;
beforeAll(async () => {
  [endpoint, database] = await Promise.all([
    startOpenAIEndpoint({ script: effectsScript }),
    freshDatabase({ maxConnections: 4 }),
  ]);
  stage = await effectsStage(endpoint, database);
});
afterAll(async () => {
  await stage.payments.close();
  await endpoint.close();
  await database.drop();
});

/** The short form: each kind of graph, each scene; `npm run test:crash:effects` has all of their points. */
const CASES: readonly [Kind, Scene, EffectsCase["durability"], string][] = [
  ["StateGraph", "one tool", "sync", "claim:after"],
  ["StateGraph", "three parallel", "sync", "effect:after"],
  ["createReactAgent v1", "interrupt in the same turn", "sync", "settle:before"],
  ["createReactAgent v2", "subgraph", "async", "effect:after"],
  ["createAgent", "planned anew", "sync", "settle:before"],
];

test.concurrent.each(CASES)(
  "one effect per intent: %s, %s, %s, %s",
  async (kind, scene, durability, at) => {
    const one: EffectsCase = { kind, scene, durability, at, bare: false };
    const [uncrashed, outcome] = await Promise.all([
      runCase({ ...one, at: undefined }, stage),
      runCase(one, stage),
    ]);
    expect(outcome.crashed).toBe(true);
    expect(faultsOf(one, outcome, uncrashed), titleOf(one)).toEqual([]);
  },
);

test.concurrent("the bare graph does it twice", async () => {
  const one: EffectsCase = {
    kind: "StateGraph",
    scene: "one tool",
    durability: "sync",
    at: "effect:after",
    bare: true,
  };
  const outcome: EffectsOutcome = await runCase(one, stage);
  expect(outcome.done).toEqual({ "notify A1": 2 });
});
