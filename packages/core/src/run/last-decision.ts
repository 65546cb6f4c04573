import type { BaseCheckpointSaver, CheckpointTuple } from "@langchain/langgraph";

import { messageKind } from "../failure/messages.ts";
import { ambientConfigurable } from "./execution.ts";
import type { AmbientScope } from "./scope.ts";

/** Notes at which checkpoint of the outermost graph a model is called. */
export function noteDecision({ graph }: AmbientScope): void {
  const { attempts, anchor } = graph?.run ?? {};
  if (attempts === undefined || anchor === undefined) return;
  const checkpoints = ambientConfigurable()["checkpoint_map"] as Record<string, string> | undefined;
  attempts.decision = checkpoints?.[anchor.namespace] ?? attempts.decision;
}

/**
 * The newest checkpoint of an execution at which a model spoke: its answer stands among the writes
 * that were made there, or is new in the checkpoint after it. Under durability `async` that one may be
 * durable before the writes that led to it. Read from the saver, for a process that did not see the
 * call itself.
 */
export async function lastDecision(
  checkpointer: BaseCheckpointSaver,
  head: CheckpointTuple | undefined,
  begin: string | undefined,
): Promise<string | undefined> {
  let tuple = head;
  let after: CheckpointTuple | undefined;
  while (tuple !== undefined) {
    const { id } = tuple.checkpoint;
    if (tuple.pendingWrites?.some(([, , value]) => answersIn(value).length > 0) === true) return id;
    if (after !== undefined && hasNewAnswer(after, tuple)) return id;
    if (id === begin || tuple.parentConfig === undefined) return undefined;
    after = tuple;
    tuple = await checkpointer.getTuple(tuple.parentConfig);
  }
  return undefined;
}

function hasNewAnswer({ checkpoint: after }: CheckpointTuple, before: CheckpointTuple): boolean {
  const { channel_values: values, channel_versions: versions } = before.checkpoint;
  return Object.entries(after.channel_values).some(([channel, value]) => {
    if (after.channel_versions[channel] === versions[channel]) return false;
    const known = answersIn(values[channel]).map(idOf);
    const answers = answersIn(value).map(idOf);
    // Not every list numbers its messages, and not every one only grows.
    return answers.length > known.length || answers.some((id) => !known.includes(id));
  });
}

function answersIn(value: unknown): unknown[] {
  return [value].flat().filter((member) => messageKind(member) === "ai");
}

function idOf(message: unknown): unknown {
  return (message as { id?: unknown }).id;
}
