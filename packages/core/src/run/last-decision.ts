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
 * that were made there. Read from the saver, for a process that did not see the call itself.
 */
export async function lastDecision(
  checkpointer: BaseCheckpointSaver,
  head: CheckpointTuple | undefined,
  begin: string | undefined,
): Promise<string | undefined> {
  let tuple = head;
  while (tuple !== undefined) {
    const { id } = tuple.checkpoint;
    if (tuple.pendingWrites?.some(([, , value]) => holdsAnswer(value)) === true) return id;
    if (id === begin || tuple.parentConfig === undefined) return undefined;
    tuple = await checkpointer.getTuple(tuple.parentConfig);
  }
  return undefined;
}

function holdsAnswer(value: unknown): boolean {
  return [value].flat().some((member) => messageKind(member) === "ai");
}
