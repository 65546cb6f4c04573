import type { BaseCheckpointSaver, CheckpointTuple } from "@langchain/langgraph";

import type { GraphPlan } from "../graph/seam-plan.ts";
import { checkpointAt, missingMemos, withMemos } from "../state/memo.ts";
import { bufferEntries, mergeChannel } from "../state/private-state.ts";
import type { ChannelValue } from "../state/private-state.ts";
import type { RunScope } from "./scope.ts";

/** A run's private state as its checkpoints hold it, with the memos beside them. */
export interface SavedState {
  /** The value of a private channel in the checkpoint that was read last. */
  readonly held: (channel: string) => unknown;
  /** Reads a checkpoint from now on; without an owner only what belongs to the whole thread is taken over. */
  readAt(
    tuple: CheckpointTuple,
    run: Pick<RunScope, "carried" | "anchor">,
    owner: string | null,
    first?: string,
  ): Promise<ReadonlyMap<string, unknown>>;
}

/** Reads private state, at first of the checkpoint a run starts from. */
export function savedState(
  tuple: CheckpointTuple | undefined,
  reset: GraphPlan["reset"],
  checkpointer: BaseCheckpointSaver | undefined,
): SavedState {
  let values = withMemos(tuple, reset);
  return {
    held: (channel) => values.get(channel),
    async readAt(at, run, owner, first = run.anchor.id) {
      values = withMemos(at, reset);
      if (checkpointer === undefined) return values;
      const origin = run.anchor.wanted ? await originOf(at, first, checkpointer) : undefined;
      for (const [channel, entries] of missingMemos(at, origin, owner, reset)) {
        const e = reset.get(channel) === "never" ? null : owner;
        const value = { v: 1 as const, e, d: entries };
        values.set(channel, mergeChannel(values.get(channel) as ChannelValue, value));
        bufferEntries(run.carried, channel, entries);
      }
      return values;
    },
  };
}

/** The first checkpoint of a continued execution, where it is another one than it continues from. */
async function originOf(
  tuple: CheckpointTuple,
  first: string | undefined,
  checkpointer: BaseCheckpointSaver,
): Promise<CheckpointTuple | undefined> {
  const { thread_id, checkpoint_ns = "", checkpoint_id } = tuple.config.configurable ?? {};
  if (first === undefined || first === checkpoint_id) return undefined;
  return checkpointer.getTuple(checkpointAt(thread_id, String(checkpoint_ns), first));
}
