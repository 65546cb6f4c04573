import type { CaseGraph } from "./cases.ts";
import { question } from "./graphs.ts";

const RECURSION_LIMIT = 10_000;
let threads = 0;

/** Runs a graph once on a thread of its own and returns the thread. */
export async function runOnce(
  { graph }: Pick<CaseGraph, "graph">,
  { durability }: { readonly durability: "sync" | "async" | "exit" },
): Promise<string> {
  threads += 1;
  // Of one length, as it is written with every row.
  const thread = `thread-${String(threads).padStart(8, "0")}`;
  await graph.invoke(question(), {
    configurable: { thread_id: thread },
    durability,
    recursionLimit: RECURSION_LIMIT,
  });
  return thread;
}
