import { START, isCommand } from "@langchain/langgraph";

import type { LoopParameters } from "../graph/compiled-graph.ts";
import type { GraphPlan } from "../graph/seam-plan.ts";
import { anchorInput, anchorRun } from "../state/memo.ts";
import { channelUpdates } from "../state/private-state.ts";
import type { RunScope } from "./scope.ts";

/** Private state that begins an execution goes into the input checkpoint, past the user's schema. */
export function injectInput(
  loop: LoopParameters["loop"],
  run: RunScope,
  reset: GraphPlan["reset"],
): void {
  const { input } = loop;
  const plain = input !== null && input !== undefined && !isCommand(input) && !loop.isResuming;
  if (!plain || run.carried.size === 0) return;
  const updates = Object.fromEntries(channelUpdates(run.carried, run, reset));
  run.carried.clear();
  run.savedSequence = run.emitter.sequence();
  loop.input = { [START]: input, ...updates };
  anchorInput(loop, run);
  const tick = loop.tick.bind(loop);
  const inputKeys = [START, ...Object.keys(updates)];
  const first: typeof tick = async (parameters) => {
    if (loop.tick === first) loop.tick = tick;
    const more = await tick({ ...parameters, inputKeys });
    // The first tick has written the input checkpoint, and no node has run yet.
    anchorRun(run, loop.checkpoint.id);
    return more;
  };
  loop.tick = first;
}
