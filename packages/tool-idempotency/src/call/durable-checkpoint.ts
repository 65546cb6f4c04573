import type { BaseCheckpointSaver } from "@langchain/langgraph";

import { IdempotencyError } from "../errors.ts";
import { sleep } from "../sleep.ts";

const LONGEST_WAIT_MS = 5_000;
const LOOK_EACH_MS = 10;

/** The call that waits. */
interface DurableCall {
  readonly tool: string;
  readonly middleware: string;
  readonly signal: AbortSignal | undefined;
}

/**
 * Waits until the checkpoints a call stands on are durable: were they lost in a crash, the model would
 * be asked again and name its call anew, and nobody would know the effect by it. Without a run seam the durability is not
 * known, and LangGraph's default is "async".
 */
export async function awaitDurable(
  configurable: Readonly<Record<string, unknown>>,
  durability: string | undefined,
  { tool, middleware, signal }: DurableCall,
): Promise<void> {
  const saver = configurable["__pregel_checkpointer"] as BaseCheckpointSaver | undefined;
  // Without a checkpointer there is nothing to resume from, and with "sync" it has been written.
  if (saver === undefined || durability === "sync") return;
  const refused = (why: string): IdempotencyError =>
    new IdempotencyError({
      code: "checkpoint-not-durable",
      middleware,
      message: `The call of tool "${tool}" was not made: the checkpoint that holds it is not durable (${why}). Run with durability "sync".`,
      details: { tool },
    });
  if (durability === "exit") throw refused('durability "exit" writes it only at the end');
  const checkpoints = (configurable["checkpoint_map"] ?? {}) as Record<string, string>;
  const until = performance.now() + LONGEST_WAIT_MS;
  for (const [namespace, id] of Object.entries(checkpoints)) {
    while (!(await isThere(saver, configurable["thread_id"], namespace, id))) {
      if (performance.now() > until) throw refused(`it was not written in ${LONGEST_WAIT_MS} ms`);
      await sleep(LOOK_EACH_MS, signal);
    }
  }
}

// A checkpoint that is there stays there: one look at each is enough.
const seen = new WeakMap<object, Set<string>>();
const MOST_SEEN = 1_000;

async function isThere(
  saver: BaseCheckpointSaver,
  thread: unknown,
  namespace: string,
  id: string,
): Promise<boolean> {
  const known = seen.get(saver) ?? new Set<string>();
  seen.set(saver, known);
  const name = JSON.stringify([thread, namespace, id]);
  if (known.has(name)) return true;
  const tuple = await saver.getTuple({
    configurable: { thread_id: thread, checkpoint_ns: namespace, checkpoint_id: id },
  });
  if (tuple?.checkpoint.id !== id) return false;
  if (known.size >= MOST_SEEN) known.clear();
  known.add(name);
  return true;
}
