import { carryOn } from "./carry-on.ts";
import type { EverythingCase, EverythingOutcome } from "./carry-on.ts";
import type { Release } from "./job.ts";
import type { EverythingStage } from "./stage.ts";

/** Gives what an execution comes to that nobody kills, run once for each of them. */
export type References = (one: EverythingCase, release?: Release) => Promise<EverythingOutcome>;

/** Makes the runs that killed ones are compared with. */
export function referencesOf(stage: EverythingStage): References {
  const known = new Map<string, Promise<EverythingOutcome>>();
  return ({ kind, scene, durability }, release = "monday") => {
    const name = JSON.stringify([kind, scene, durability, release]);
    const found = known.get(name) ?? carryOn({ kind, scene, durability, release }, stage);
    known.set(name, found);
    return found;
  };
}
