import type { BreakerRecord, BreakerStore } from "@evenkeel/core";

import { makeCircuit, readCircuit } from "./circuit.ts";
import type { Circuit, CircuitOptions } from "./circuit.ts";
import type { BreakerOptions } from "./options.ts";

/** What is called: a tool by name, or a model by provider and name. */
export type Target = readonly ["tool", string] | readonly ["model", string, string];

/** The circuits of one scope in this process, whichever run asks. */
export interface ScopeCircuits {
  /** Those of a target, by the class of failure they count. */
  of(target: Target): ReadonlyMap<string, Circuit>;
  /** Notes that a call of a target went well, in all its circuits and for those yet to be made. */
  succeeded(target: Target, except: ReadonlySet<Circuit>): Promise<void>;
  /** The one of a target and a class, made closed where there is none. */
  ensure(target: Target, failureClass: string): Circuit;
  /** Takes over what another process, or an earlier one, has kept; returns what it could not read. */
  adopt(records: readonly BreakerRecord[]): string[];
  /** When the store was last asked, in epoch milliseconds; 0 where it never was. */
  askedAt: number;
  /** The first look at the store, while it is under way. */
  loading: Promise<void> | undefined;
}

const SCOPES_KEPT = 10_000;
const NO_STORE = {};

// Of the process: circuits outlive runs, and a server may build its graph anew for each request.
const registry = new WeakMap<object, Map<string, ScopeCircuits>>();

/** The circuits that one scope has in this process, under one store and one name of middleware. */
export function circuitsOf(
  store: BreakerStore | undefined,
  name: string,
  scope: string,
  options: BreakerOptions,
): ScopeCircuits {
  const scopes = registry.get(store ?? NO_STORE) ?? new Map<string, ScopeCircuits>();
  registry.set(store ?? NO_STORE, scopes);
  const key = JSON.stringify([name, scope]);
  const circuits = scopes.get(key) ?? scopeCircuits(circuitOptions(options));
  // Least recently used first.
  scopes.delete(key);
  scopes.set(key, circuits);
  const oldest = scopes.keys().next().value;
  if (scopes.size > SCOPES_KEPT && oldest !== undefined) scopes.delete(oldest);
  return circuits;
}

/** The key a circuit is kept under, inside its scope. */
export function circuitKey(target: Target, failureClass: string): string {
  return JSON.stringify([...target, failureClass]);
}

// They outlive the run that asked first: nothing of it may be held here.
function scopeCircuits(options: CircuitOptions): ScopeCircuits {
  const targets = new Map<string, TargetCircuits>();
  const group = (target: string): TargetCircuits => {
    const known = targets.get(target) ?? { circuits: new Map(), successes: 0 };
    targets.set(target, known);
    return known;
  };
  return {
    askedAt: 0,
    loading: undefined,
    of: (target) => targets.get(JSON.stringify(target))?.circuits ?? NONE,
    async succeeded(target, except) {
      const known = group(JSON.stringify(target));
      known.successes = Math.min(known.successes + 1, options.window);
      const others = [...known.circuits.values()].filter((circuit) => !except.has(circuit));
      await Promise.all(others.map((circuit) => circuit.record(true)));
    },
    ensure(target, failureClass) {
      const { circuits, successes } = group(JSON.stringify(target));
      const known = circuits.get(failureClass) ?? makeCircuit(options, { successes });
      circuits.set(failureClass, known);
      return known;
    },
    adopt(records) {
      const unreadable: string[] = [];
      for (const { v, key, since, state } of records) {
        const place = placeOf(key);
        const sinceMs = Date.parse(since);
        const kept = readCircuit(state, options);
        // What a later release means by its state is not known: its breaker is left alone.
        if ((v as number) !== 1) {
          unreadable.push(key);
          continue;
        }
        if (place === undefined || kept === undefined || !Number.isFinite(sinceMs)) {
          unreadable.push(key);
          continue;
        }
        const { circuits } = group(place.target);
        const known = circuits.get(place.failureClass);
        // A trial call under way will say more than what is kept.
        if (known !== undefined && (known.since() >= sinceMs || known.status() === "probing")) {
          continue;
        }
        circuits.set(
          place.failureClass,
          makeCircuit(options, { kept: { state: kept, since: sinceMs } }),
        );
      }
      return unreadable;
    },
  };
}

interface TargetCircuits {
  readonly circuits: Map<string, Circuit>;
  /** Calls that went well, up to a window of them: a circuit is made with its first failure. */
  successes: number;
}

const NONE: ReadonlyMap<string, Circuit> = new Map();

function placeOf(key: string): { target: string; failureClass: string } | undefined {
  try {
    const parts: unknown = JSON.parse(key);
    if (!Array.isArray(parts) || !parts.every((part) => typeof part === "string")) return undefined;
    const failureClass = parts.at(-1);
    return failureClass === undefined
      ? undefined
      : { target: JSON.stringify(parts.slice(0, -1)), failureClass };
  } catch {
    return undefined;
  }
}

function circuitOptions(options: BreakerOptions): CircuitOptions {
  const { window, minimumCalls, threshold, halfOpenAfterMs, maxHalfOpenAfterMs } = options;
  const waitsMs = [halfOpenAfterMs];
  for (let wait = halfOpenAfterMs * 2; wait < maxHalfOpenAfterMs; wait *= 2) waitsMs.push(wait);
  if (maxHalfOpenAfterMs > halfOpenAfterMs) waitsMs.push(maxHalfOpenAfterMs);
  return { window, minimumCalls, threshold, waitsMs };
}
