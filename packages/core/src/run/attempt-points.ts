import type { CheckpointTuple } from "@langchain/langgraph";

import type { StackEntry } from "../graph/stack.ts";
import { currentMode } from "../mode.ts";
import type { Identity } from "./identify.ts";
import type { AttemptPoints } from "./scope.ts";

/** Where attempts of a run can begin again; undefined where no middleware declares `attempts`. */
export function attemptPoints(
  stack: readonly StackEntry[],
  known: Identity,
  tuple: CheckpointTuple | undefined,
): AttemptPoints | undefined {
  const declared = stack.some(
    ({ definition }) => definition?.attempts === true && currentMode(definition) === "enforce",
  );
  if (!declared) return undefined;
  // Until a node has completed the thread stands where its first nodes run, or one step before.
  const here = tuple?.metadata?.source === "input" ? undefined : tuple?.checkpoint.id;
  const begin = tuple === undefined ? undefined : (known.begin ?? here);
  return { begin, decision: undefined, pending: undefined, parentRunId: undefined };
}
