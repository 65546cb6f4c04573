import type { RunOperation } from "./operations.ts";

/** What stands between the acceptance of runs and their being there. */
export interface Ingestion {
  readonly accept: (operations: readonly RunOperation[]) => void;
  /** Accepted runs stay away until `release()`. */
  readonly hold: () => void;
  /** Everything held or delayed is there at once; later runs come as `delayMs` says. */
  readonly release: () => void;
  readonly setDelay: (delayMs: number) => void;
  /** Forgets what has not come yet. */
  readonly clear: () => void;
}

/** Starts an ingestion that hands operations on in the order they were accepted. */
export function createIngestion(
  delayMs: number,
  apply: (operations: readonly RunOperation[]) => void,
): Ingestion {
  let currentDelayMs = delayMs;
  let held = false;
  let waiting: (readonly RunOperation[])[] = [];
  const timers = new Set<NodeJS.Timeout>();

  function clear(): void {
    for (const timer of timers) clearTimeout(timer);
    timers.clear();
    waiting = [];
  }

  return {
    accept: (operations) => {
      if (!held && currentDelayMs === 0 && waiting.length === 0) return apply(operations);
      waiting.push(operations);
      if (held) return;
      const timer = setTimeout(() => {
        timers.delete(timer);
        const next = held ? undefined : waiting.shift();
        if (next !== undefined) apply(next);
      }, currentDelayMs);
      timer.unref();
      timers.add(timer);
    },
    hold: () => {
      held = true;
    },
    release: () => {
      held = false;
      const due = waiting;
      clear();
      for (const operations of due) apply(operations);
    },
    setDelay: (nextDelayMs) => {
      currentDelayMs = nextDelayMs;
    },
    clear,
  };
}
