import { run } from "@evenkeel/testing";

import type { BenchDatabase } from "../overhead/bench-database.ts";
import type { MemoryReport } from "./memory-child.ts";

/** The memory of one process that handled one large result. */
export interface MeasuredMemory extends MemoryReport {
  readonly what: string;
  readonly megabytes: number;
}

const CHILD = new URL("./memory-child.ts", import.meta.url);

/** Has a tool answer with one large text in processes of their own, and reads how large they grew. */
export async function measureMemory(
  { connectionString }: BenchDatabase,
  { megabytes, say }: { megabytes: number; say: (step: string) => void },
): Promise<MeasuredMemory[]> {
  const measured: MeasuredMemory[] = [];
  for (const [what, act] of [
    ["a tool that makes the text", "make"],
    ["the same in a graph, not checkpointed", "bare"],
    ["offloaded to Postgres", "offload"],
    ["streamed to Postgres", "stream"],
  ] as const) {
    say(`memory: ${what}, ${megabytes} MB`);
    const args = [act, String(megabytes), connectionString];
    const { result } = await run<MemoryReport>({ script: CHILD, args });
    measured.push({ what, megabytes, ...result });
  }
  return measured;
}
