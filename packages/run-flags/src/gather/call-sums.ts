import type { FlagContext } from "../options.ts";

/** Sums over calls, those included whose replies are in no message. */
export interface CallSums {
  modelCalls: number;
  toolCalls: number;
  failedCalls: number;
  inputTokens: number;
  outputTokens: number;
  costUsd: number;
}

/** The sums of no call. */
export const NO_CALLS: CallSums = {
  modelCalls: 0,
  toolCalls: 0,
  failedCalls: 0,
  inputTokens: 0,
  outputTokens: 0,
  costUsd: 0,
};

/**
 * Adds a call to the sums of this run. They stay in this process: in the checkpoint they would cost
 * two statements a step, and a later process has the record and the messages to go by.
 */
export function countCall({ memory }: FlagContext, call: Partial<CallSums>): void {
  memory.set("sums", addCalls(callSums({ memory }), call));
}

/** The sums of this run so far. */
export function callSums({ memory }: Pick<FlagContext, "memory">): CallSums {
  return (memory.get("sums") as CallSums | undefined) ?? NO_CALLS;
}

/** Both together. */
export function addCalls(one: CallSums, other: Partial<CallSums>): CallSums {
  return {
    modelCalls: one.modelCalls + (other.modelCalls ?? 0),
    toolCalls: one.toolCalls + (other.toolCalls ?? 0),
    failedCalls: one.failedCalls + (other.failedCalls ?? 0),
    inputTokens: one.inputTokens + (other.inputTokens ?? 0),
    outputTokens: one.outputTokens + (other.outputTokens ?? 0),
    costUsd: one.costUsd + (other.costUsd ?? 0),
  };
}
