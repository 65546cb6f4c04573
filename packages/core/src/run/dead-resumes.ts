import type { BaseCheckpointSaver, CheckpointTuple } from "@langchain/langgraph";

import { putMemo } from "../state/memo.ts";
import type { ChannelValue } from "../state/private-state.ts";

// No channel of any graph: beside the checkpoint it is read here alone, and leaves with it.
const CHANNEL = "_resumes";

/**
 * How many resumes of an attempt began at a checkpoint and never ended: their process died before
 * the thread got any further. One that paused, failed or was refused did end.
 */
export function deadResumes(
  { pendingWrites = [] }: CheckpointTuple,
  executionId: string,
  attempt: number,
): number {
  return pendingWrites
    .filter(([, channel]) => channel === CHANNEL)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([, , value]) => value as ChannelValue)
    .filter(({ e, d }) => e === executionId && d["attempt"] === attempt)
    .reduce((count, { d }) => (d["ended"] === true ? 0 : count + 1), 0);
}

/** Notes that a resume begins, or that it ended alive, beside the checkpoint it began at. */
export async function noteResume(
  checkpointer: BaseCheckpointSaver,
  { config }: CheckpointTuple,
  { id, attempt }: { readonly id: string; readonly attempt: number },
  ended: boolean,
): Promise<void> {
  await putMemo(checkpointer, config, id, CHANNEL, { attempt, ended });
}
