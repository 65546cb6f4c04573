import type { RecordStore, RunRecord } from "@evenkeel/core";

import { RunFlagsError } from "../errors.ts";
import { type KeptRun, keptParts } from "./kept-run.ts";

/** What becomes of a record; undefined leaves it as it is. */
export type RecordChange = (
  known: RunRecord | undefined,
  kept: KeptRun | undefined,
) => RunRecord | undefined;

/** Writes records in order, beside the run; a store that fails or hangs never fails a run. */
export interface RecordKeeper {
  /** Puts a record that nobody else has written to. */
  put(record: RunRecord): void;
  /**
   * Changes the record as the store has it, its report unread; what `change` leaves undefined is not
   * written. Where `last` still stands it is not read first; `change` is asked anew where it does not.
   */
  change(executionId: string, change: RecordChange, last?: RunRecord): Promise<void>;
  /** Waits for what is to be written, `mostMs` milliseconds at most. */
  settled(executionId: string, mostMs: number): Promise<void>;
  flush(): Promise<void>;
}

/** A store that has not answered by then is taken for one that failed. */
const STORE_TIMEOUT_MS = 10_000;

/** So often somebody else may have written in between, before the record is written all the same. */
const MOST_ATTEMPTS = 5;

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
    change: (executionId, change, last) =>
      inOrder(executionId, (to) => changeRecord(to, executionId, change, last)),
    settled: (executionId, mostMs) => within(tails.get(executionId), mostMs),
    async flush() {
      while (tails.size > 0) await Promise.all(tails.values());
    },
  };
}

async function changeRecord(
  store: RecordStore,
  executionId: string,
  change: RecordChange,
  last: RunRecord | undefined,
): Promise<void> {
  const replaces = store.replaceRecord !== undefined;
  let known = (replaces ? last : undefined) ?? (await store.getRecord(executionId));
  for (let attempt = 1; ; attempt += 1) {
    const changed = change(known, keptParts(known));
    if (changed === undefined) return;
    if (known === undefined || !replaces || attempt === MOST_ATTEMPTS) {
      return store.putRecord(changed);
    }
    if (await store.replaceRecord?.(changed, known)) return;
    // Somebody wrote to it in between: what they wrote stays in it.
    known = await store.getRecord(executionId);
  }
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
