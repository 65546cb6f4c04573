import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

import type { LoadJob, LoadTurn, TurnReport } from "./load-job.ts";

/** The worker processes of one form of the load. */
export interface LoadWorkers {
  /** Has all of them play a turn at once. */
  play(turn: LoadTurn): Promise<TurnReport[]>;
  stop(): Promise<void>;
}

const PROGRAM = new URL("./load-worker.ts", import.meta.url);

/** Starts so many workers, and waits until each has its graphs. */
export async function startWorkers(count: number, job: LoadJob): Promise<LoadWorkers> {
  const children = Array.from({ length: count }, () =>
    fork(PROGRAM, [JSON.stringify(job)], { execArgv: [...process.execArgv, "--expose-gc"] }),
  );
  await Promise.all(children.map((child) => nextMessage(child)));
  return {
    play: (turn) =>
      Promise.all(
        children.map(async (child) => {
          const answer = nextMessage(child);
          child.send(turn);
          return (await answer) as TurnReport;
        }),
      ),
    stop: async () => {
      await Promise.all(
        children.map(async (child) => {
          if (child.exitCode !== null || child.signalCode !== null) return;
          const gone = once(child, "exit");
          if (child.connected) child.disconnect();
          await gone;
        }),
      );
    },
  };
}

/** A worker that dies is an error of the bench, not a wait without end. */
async function nextMessage(child: ChildProcess): Promise<unknown> {
  const over = new AbortController();
  const { signal } = over;
  try {
    return await Promise.race([
      once(child, "message", { signal }).then(([message]: unknown[]) => message),
      once(child, "exit", { signal }).then(([code, killedBy]: unknown[]) => {
        throw new Error(`A worker ended with ${String(code ?? killedBy)}.`);
      }),
    ]);
  } finally {
    over.abort();
  }
}
