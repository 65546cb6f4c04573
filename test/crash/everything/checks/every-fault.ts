import type { EverythingCase, EverythingOutcome } from "../carry-on.ts";
import type { EverythingStage } from "../stage.ts";
import { effectFaults } from "./effects-once.ts";
import { sequenceFaults } from "./event-sequence.ts";
import { driftFaults } from "./frozen-requests.ts";
import { resultFaults } from "./kept-results.ts";
import { recordFaults } from "./run-records.ts";
import { stateFaults } from "./same-state.ts";

/** What of an outcome is not as promised; empty where all is. */
export async function everyFault(
  one: EverythingCase,
  outcome: EverythingOutcome,
  uncrashed: EverythingOutcome,
  stage: EverythingStage,
): Promise<string[]> {
  return [
    ...effectFaults(outcome, uncrashed),
    ...stateFaults(outcome, uncrashed),
    ...driftFaults(one, outcome, uncrashed),
    ...(await recordFaults(outcome, uncrashed, stage)),
    ...(await sequenceFaults(outcome, stage)),
    ...(await resultFaults(one, outcome, stage)),
  ];
}
