/** A worker: resumes every execution it is told of, whoever else does. */
import { setTimeout } from "node:timers/promises";

import { EvenkeelError } from "@evenkeel/core";
import { openPool, reportResult } from "@evenkeel/testing";

import { refundAgent } from "./refund-agent.ts";
import type { WorkerJob, WorkerReport } from "./worker-job.ts";

const job = JSON.parse(process.argv[2] ?? "{}") as WorkerJob;
const pool = openPool({ connectionString: job.database, max: job.lanes, ...job.pool });
let reused = 0;
const agent = refundAgent({
  ...job,
  pool,
  onEvent: ({ name }) => {
    if (name === "effect-reused") reused += 1;
  },
});

let busy = 0;
let ended = 0;
const failures: string[] = [];

async function resume(thread: string): Promise<void> {
  for (;;) {
    try {
      const config = { configurable: { thread_id: thread }, durability: "sync" };
      const { messages } = await agent.invoke(null, config);
      if (messages.at(-1)?.text === "All is done.") ended += 1;
      else failures.push(`${thread}: ended with ${JSON.stringify(messages.at(-1)?.text)}`);
      return;
    } catch (error) {
      if (!EvenkeelError.isInstance(error, "execution-busy")) {
        failures.push(`${thread}: ${String(error)}`);
        return;
      }
      busy += 1;
      await setTimeout(20);
    }
  }
}

await fetch(`${job.payments}/gate`);
const threads = job.threads.values();
await Promise.all(
  Array.from({ length: job.lanes }, async () => {
    for (const thread of threads) await resume(thread);
  }),
);
reportResult({ busy, reused, ended, failures } satisfies WorkerReport);
await pool.end();
