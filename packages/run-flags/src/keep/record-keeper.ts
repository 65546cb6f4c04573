import type { RecordStore, RunRecord } from "@evenkeel/core";

import { RunFlagsError } from "../errors.ts";
import { type KeptRun, keptParts } from "./kept-run.ts";

/** Writes records in order, beside the run; a store that fails or hangs never fails a run. */
export interface RecordKeeper {
  /** Puts a record that nobody else has written to. */
  put(record: RunRecord): void;
  /** Changes the record as the store has it, its report unread; what `change` leaves undefined is not written. */
  change(
    executionId: string,
    change: (known: RunRecord | undefined, kept: KeptRun | undefined) => RunRecord | undefined,
  ): Promise<void>;
  /** Waits for what is to be written, `mostMs` milliseconds at most. */
  settled(executionId: string, mostMs: number): Promise<void>;
  flush(): Promise<void>;
}

/** A store that has not answered by then is taken for one that failed. */
const STORE_TIMEOUT_MS = 10_000;

/** Makes the keeper of a store's records. */
export function recordKeeper(
  store: RecordStore | undefined,
  onError: (error: unknown) => void,
): RecordKeeper {
  const tails = new Map<string, Promise<void>>();
  const inOrder = (
    executionId: string,
    work: (to: RecordStore) => Promise<void>,
  ): Promise<void> => {
    if (store === undefined) return Promise.resolve();
    const before = tails.get(executionId) ?? Promise.resolve();
    const tail: Promise<void> = before
      .then(() => answered(work(store)))
      .catch((error: unknown) =>
        onError(
          new RunFlagsError({
            code: "record-failed",
            middleware: "runFlagsMiddleware",
            message: `The record of execution ${executionId} could not be written. The run went on.`,
            cause: error,
          }),
        ),
      )
      .finally(() => {
        if (tails.get(executionId) === tail) tails.delete(executionId);
      });
    tails.set(executionId, tail);
    return tail;
  };
  return {
    put: (record) => void inOrder(record.executionId, (to) => to.putRecord(record)),
    change: (executionId, change) =>
      inOrder(executionId, async (to) => {
        const known = await to.getRecord(executionId);
        const changed = change(known, keptParts(known));
        if (changed !== undefined) await to.putRecord(changed);
      }),
    settled: (executionId, mostMs) => within(tails.get(executionId), mostMs),
    async flush() {
      while (tails.size > 0) await Promise.all(tails.values());
    },
  };
}

async function answered(work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`The store has not answered for ${STORE_TIMEOUT_MS} ms.`);
    timer = setTimeout(() => reject(error), STORE_TIMEOUT_MS);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for work, `mostMs` milliseconds at most; its failure is no concern here. */
export async function within(work: Promise<unknown> | undefined, mostMs: number): Promise<void> {
  if (work === undefined) return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, mostMs);
  });
  await Promise.race([work.catch(() => undefined), late]);
  clearTimeout(timer);
}
