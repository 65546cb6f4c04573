import { scopeOf } from "../scope-of.ts";
import type { Circuit } from "./circuit.ts";
import { circuitsOf } from "./circuits.ts";
import type { ScopeCircuits, Target } from "./circuits.ts";
import { keptCircuits } from "./kept-circuits.ts";
import type { KeptCircuits } from "./kept-circuits.ts";
import type { BreakerContext } from "./options.ts";
import type { Verdict } from "./verdict.ts";

/** Why a call is not made, and when it may be tried again. */
export interface Blocked {
  readonly failureClass: string;
  readonly retryAfterMs: number;
}

/** A call that may be made; whoever makes it says what it came to. */
export interface Admitted {
  settle(verdict: Verdict): Promise<void>;
}

/** The circuits a call meets. */
export interface Guard {
  /** Lets a call of a target through, or says why not. */
  admit(target: Target): Promise<Admitted | Blocked>;
  /** Why a call of a target would not be made now; undefined where it would, for trial too. */
  blocks(target: Target): Blocked | undefined;
}

/** True for a call that is not to be made. */
export function isBlocked(answer: Admitted | Blocked): answer is Blocked {
  return "retryAfterMs" in answer;
}

/** The guard of the scope a call is made in, on what is kept of it. */
export async function openGuard(context: BreakerContext): Promise<Guard> {
  const { live, options, execution } = context;
  const scope = scopeOf(live.scope, execution, live.name);
  const circuits = circuitsOf(live.store, live.name, scope, options);
  const kept = keptCircuits({
    store: live.store,
    scope,
    circuits,
    refreshMs: options.refreshMs,
    timeoutMs: options.storeTimeoutMs,
    onTrouble: (reason, detail) => warnOnce(context, reason, detail),
  });
  await kept.sync();
  const blocks = (target: Target): Blocked | undefined => blockedBy(circuits.of(target));
  return {
    blocks,
    async admit(target) {
      const blocked = blocks(target);
      if (blocked !== undefined) return blocked;
      const due = [...circuits.of(target)].filter(([, circuit]) => circuit.status() === "due");
      // Taken in this process before anything is waited for, so that no other call of it slips in.
      const probes = due.map(([failureClass, circuit]) => ({
        failureClass,
        circuit,
        probe: circuit.probe(),
      }));
      const claims = await Promise.all(
        probes.map(({ failureClass }) => kept.claim(target, failureClass)),
      );
      if (claims.includes(false)) {
        await Promise.all(probes.map(({ probe }) => probe.settle(undefined)));
        const taken = probes.filter((_, index) => claims[index] === true);
        await Promise.all(taken.map(({ failureClass }) => kept.release(target, failureClass)));
        const [failureClass = ""] = due[claims.indexOf(false)] ?? [];
        return { failureClass, retryAfterMs: options.halfOpenAfterMs };
      }
      return { settle: (verdict) => settle(verdict, { target, probes, circuits, kept, context }) };
    },
  };
}

interface Settling {
  readonly target: Target;
  readonly probes: readonly ProbeOf[];
  readonly circuits: ScopeCircuits;
  readonly kept: KeptCircuits;
  readonly context: BreakerContext;
}

interface ProbeOf {
  readonly failureClass: string;
  readonly circuit: Circuit;
  readonly probe: ReturnType<Circuit["probe"]>;
}

async function settle(verdict: Verdict, settling: Settling): Promise<void> {
  const { target, probes, circuits, kept } = settling;
  const failed = typeof verdict === "object" ? classFor(target, verdict.failureClass) : undefined;
  const probed = new Set(probes.map(({ circuit }) => circuit));
  await Promise.all(
    probes.map(async ({ failureClass, circuit, probe }) => {
      if (verdict === "nothing") {
        await probe.settle(undefined);
        return kept.release(target, failureClass);
      }
      const ok = failureClass !== failed;
      await probe.settle(ok);
      announce(ok ? "breaker-closed" : "breaker-opened", settling, failureClass, circuit, true);
      return kept.put(target, failureClass, circuit);
    }),
  );
  if (verdict === "nothing") return;
  if (failed === undefined) return circuits.succeeded(target, probed);
  const circuit = circuits.ensure(target, failed);
  if (probed.has(circuit)) return;
  const opened = await circuit.record(false);
  if (opened) announce("breaker-opened", settling, failed, circuit, false);
  if (circuit.status() === "closed" || opened) await kept.put(target, failed, circuit);
}

function announce(
  name: "breaker-opened" | "breaker-closed",
  { target, context }: Settling,
  failureClass: string,
  circuit: Circuit,
  afterTrial: boolean,
): void {
  const opened = name === "breaker-opened";
  context.emit(name, {
    severity: opened ? "medium" : "info",
    ...(opened ? { failure: failureClass } : {}),
    detail: {
      [target[0]]: target.at(-1),
      failureClass,
      afterTrial,
      ...(opened ? { retryAfterMs: rounded(circuit.retryAfterMs()) } : {}),
    },
  });
}

/** A model has one circuit, whatever it fails by. */
function classFor(target: Target, failureClass: string): string {
  return target[0] === "model" ? "any" : failureClass;
}

function blockedBy(circuits: ReadonlyMap<string, Circuit>): Blocked | undefined {
  for (const [failureClass, circuit] of circuits) {
    const status = circuit.status();
    if (status !== "open" && status !== "probing") continue;
    return { failureClass, retryAfterMs: rounded(circuit.retryAfterMs()) };
  }
  return undefined;
}

/** Up to two digits, so that equal waits read alike. */
function rounded(ms: number): number {
  if (ms < 100) return Math.ceil(ms);
  const unit = 10 ** (Math.floor(Math.log10(ms)) - 1);
  return Math.ceil(ms / unit) * unit;
}

function warnOnce(context: BreakerContext, reason: string, detail: object): void {
  if (context.memory.has(reason)) return;
  context.memory.set(reason, true);
  context.emit("middleware-warning", { severity: "medium", detail: { reason, ...detail } });
}
