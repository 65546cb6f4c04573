import { afterAll, beforeAll, expect, test } from "vitest";

import { carryOn } from "./everything/carry-on.ts";
import type { EverythingCase } from "./everything/carry-on.ts";
import { everyFault } from "./everything/checks/every-fault.ts";
import type { Kind, Scene } from "./everything/job.ts";
import { referencesOf } from "./everything/references.ts";
import type { References } from "./everything/references.ts";
import { everythingStage } from "./everything/stage.ts";
import type { EverythingStage } from "./everything/stage.ts";

let stage: EverythingStage;
let uncrashed: References;
beforeAll(async () => {
  stage = await everythingStage();
  uncrashed = referencesOf(stage);
});
afterAll(() => stage.close());

/** The short form: each kind of graph, most scenes; `npm run test:crash:everything` has every point. */
const CASES: readonly [Kind, Scene, EverythingCase["durability"], string, number][] = [
  ["StateGraph", "parallel", "sync", "effect:after", 2],
  ["StateGraph", "parallel", "sync", "settleEffect:before", 1],
  ["createReactAgent v1", "interrupt", "async", "effect:after", 1],
  ["createReactAgent v1", "interrupt", "async", "replaceRecord:before", 1],
  ["createReactAgent v2", "large result", "sync", "writeResult:after", 1],
  ["createReactAgent v2", "large result", "sync", "model", 3],
  ["createAgent", "rejected attempt", "sync", "appendEvents:before", 2],
  ["StateGraph", "failed tool", "sync", "review", 1],
];

test.concurrent.each(CASES)(
  "with everything on, nothing is lost or done twice: %s, %s, %s, %s %i",
  { timeout: 120_000 },
  async (kind, scene, durability, at, hit) => {
    const one: EverythingCase = { kind, scene, durability, at, hit };
    const outcome = await carryOn(one, stage);
    expect(outcome.crashed).toBe(true);
    const expected = await uncrashed(one, outcome.release);
    expect(await everyFault(one, outcome, expected, stage)).toEqual([]);
  },
);
