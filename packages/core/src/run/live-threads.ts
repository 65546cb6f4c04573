import type { RunScope } from "./scope.ts";

// Per checkpointer, because thread ids mean nothing beyond it; a run leaves the map when it ends.
const live = new WeakMap<object, Map<string, RunScope>>();

/**
 * Notes that an execution is at work on a thread in this process. One that is at work there already
 * is superseded: its run ends with that outcome, whatever its loop comes to.
 */
export function enterThread(
  checkpointer: object | undefined,
  threadId: string | null,
  run: RunScope,
): () => void {
  if (checkpointer === undefined || threadId === null) return () => undefined;
  const threads = live.get(checkpointer) ?? new Map<string, RunScope>();
  live.set(checkpointer, threads);
  const before = threads.get(threadId);
  if (before !== undefined && before.execution.id !== run.execution.id) before.superseded = true;
  threads.set(threadId, run);
  return () => {
    if (threads.get(threadId) === run) threads.delete(threadId);
  };
}
