import { performance } from "node:perf_hooks";

/** What a call of the graph was made to. */
export type CallKind = "model" | "tool";

/** Adds up the time spent waiting for a model, and in tools, so that it can be taken off. */
export interface BaseClock {
  time<Value>(kind: CallKind, call: () => Promise<Value>): Promise<Value>;
  /** Time and kind of the calls since the last reading; undefined where there was none. */
  take(): { readonly kind: CallKind; readonly spentMs: number } | undefined;
}

/** Makes a clock for graphs that make one call at a time. */
export function baseClock(): BaseClock {
  let spent: { kind: CallKind; spentMs: number } | undefined;
  return {
    async time(kind, call) {
      const start = performance.now();
      try {
        return await call();
      } finally {
        spent = { kind, spentMs: (spent?.spentMs ?? 0) + performance.now() - start };
      }
    },
    take() {
      const taken = spent;
      spent = undefined;
      return taken;
    },
  };
}
