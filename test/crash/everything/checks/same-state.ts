import { differences } from "../../../../packages/testing/src/survival/comparable.ts";
import type { EverythingOutcome } from "../carry-on.ts";

/** Where the final state is not that of the run nobody killed. */
export function stateFaults(outcome: EverythingOutcome, uncrashed: EverythingOutcome): string[] {
  return differences(uncrashed.last.state, outcome.last.state).slice(0, 4);
}
