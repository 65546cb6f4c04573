import type { BreakerStore } from "@evenkeel/core";

import { PROBE_LEASE_MS } from "./circuit.ts";
import type { Circuit } from "./circuit.ts";
import { circuitKey } from "./circuits.ts";
import type { ScopeCircuits, Target } from "./circuits.ts";

/** The store of one scope, which may be down or slow: nothing here fails or holds up a call for long. */
export interface KeptCircuits {
  /** Takes over what is kept: waits for it the first time, and looks again in the background. */
  sync(): Promise<void>;
  /** Keeps a circuit as it is now. */
  put(target: Target, failureClass: string, circuit: Circuit): Promise<void>;
  /** Takes the trial call for this process; true as well where the store does not answer. */
  claim(target: Target, failureClass: string): Promise<boolean>;
  release(target: Target, failureClass: string): Promise<void>;
}

/** What is kept, and for how long a call waits for it. */
export interface KeptCircuitsParts {
  readonly store: BreakerStore | undefined;
  readonly scope: string;
  readonly circuits: ScopeCircuits;
  readonly refreshMs: number;
  readonly timeoutMs: number;
  /** Hears why the store was of no use. */
  readonly onTrouble: (reason: "store-unavailable" | "breaker-unreadable", detail: object) => void;
}

/** Opens the store of a scope. */
export function keptCircuits(parts: KeptCircuitsParts): KeptCircuits {
  const { store, scope, circuits, refreshMs, timeoutMs, onTrouble } = parts;
  if (store === undefined) return IN_MEMORY;
  const asked = async <Value>(work: () => Promise<Value>, otherwise: Value): Promise<Value> => {
    try {
      return await within(work(), timeoutMs);
    } catch (error) {
      onTrouble("store-unavailable", { error: error instanceof Error ? error.name : typeof error });
      return otherwise;
    }
  };
  const look = async (): Promise<void> => {
    circuits.askedAt = Date.now();
    const records = await asked(() => store.listBreakers(scope), []);
    for (const key of circuits.adopt(records)) onTrouble("breaker-unreadable", { key });
  };
  return {
    sync() {
      const age = Date.now() - circuits.askedAt;
      // A clock that was set back must not keep what is known from ever being looked at again.
      if (age >= 0 && age <= refreshMs) return circuits.loading ?? Promise.resolve();
      const first = circuits.askedAt === 0;
      const looking = look().finally(() => {
        circuits.loading = undefined;
      });
      if (first) circuits.loading = looking;
      return first ? looking : (circuits.loading ?? Promise.resolve());
    },
    put: (target, failureClass, circuit) =>
      asked(
        () =>
          store.putBreaker(scope, {
            v: 1,
            key: circuitKey(target, failureClass),
            status: circuit.status() === "closed" ? "closed" : "open",
            since: new Date(circuit.since()).toISOString(),
            state: { ...circuit.state() },
          }),
        undefined,
      ),
    claim: (target, failureClass) =>
      asked(() => store.claimProbe(scope, circuitKey(target, failureClass), PROBE_LEASE_MS), true),
    release: (target, failureClass) =>
      asked(() => store.releaseProbe(scope, circuitKey(target, failureClass)), undefined),
  };
}

const IN_MEMORY: KeptCircuits = {
  sync: () => Promise.resolve(),
  put: () => Promise.resolve(),
  claim: () => Promise.resolve(true),
  release: () => Promise.resolve(),
};

/** Waits for work, `mostMs` milliseconds at most; later it is an error. */
async function within<Value>(work: Promise<Value>, mostMs: number): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("the store did not answer in time")), mostMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
