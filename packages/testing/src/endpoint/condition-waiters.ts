import { EndpointError } from "./endpoint-error.ts";

/** Those who wait until something holds of an endpoint. */
export interface ConditionWaiters {
  /** Resolves once the condition holds. */
  readonly until: (condition: () => boolean) => Promise<void>;
  /** Asks every condition again: something changed. */
  readonly wake: () => void;
  /** Rejects everyone who still waits. */
  readonly close: () => void;
}

interface Waiter {
  readonly condition: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Starts with nobody waiting. */
export function createConditionWaiters(): ConditionWaiters {
  const waiting = new Set<Waiter>();
  return {
    until: async (condition) => {
      if (condition()) return;
      await new Promise<void>((resolve, reject) => waiting.add({ condition, resolve, reject }));
    },
    wake: () => {
      for (const waiter of waiting) {
        try {
          if (!waiter.condition()) continue;
          waiter.resolve();
        } catch (error) {
          // Whoever asked hears of it, not the request that happened to come in.
          waiter.reject(error);
        }
        waiting.delete(waiter);
      }
    },
    close: () => {
      for (const { reject } of waiting) {
        const message = "the endpoint was closed before what was waited for had come";
        reject(new EndpointError("endpoint-closed", message));
      }
      waiting.clear();
    },
  };
}
