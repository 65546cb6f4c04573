import { EvenkeelError } from "@evenkeel/core";
import type {
  ClaimRequest,
  EffectClaim,
  EffectLedger,
  EffectRecord,
  Settlement,
} from "@evenkeel/core";

import { nextStep } from "../protocol.ts";
import type { Rules } from "../protocol.ts";

/** How an effect came out: what is recorded, and what the caller gets, which may be a throw. */
export interface Performed<Value> {
  readonly settlement: Settlement;
  readonly deliver: () => Value;
}

/** What was decided about an effect in doubt: let it happen, take a recorded one, or answer for it. */
export type Decision<Value> =
  | { readonly do: "run" }
  | { readonly do: "reuse"; readonly effect: EffectRecord }
  | { readonly do: "record"; readonly settlement: Settlement }
  | { readonly do: "answer"; readonly value: Value };

/** What {@link carryOut} needs of the world; clocks and doubts come in through it. */
export interface Ports<Value> {
  readonly ledger: Pick<EffectLedger, "claimEffect" | "settleEffect">;
  readonly rules: Rules;
  /** Monotonic milliseconds of this process. */
  readonly elapsed: () => number;
  /** Ends with an error where the run is aborted. */
  readonly sleep: (ms: number) => Promise<void>;
  /** Lasts whatever happens: what was done is recorded although the run is over. */
  readonly pause: (ms: number) => Promise<void>;
  /** Lets the effect happen and says how it came out; `settle` is there for what records itself. */
  readonly perform: (effect: EffectRecord, claim: EffectClaim) => Promise<Performed<Value>>;
  /** Settles inside the effect's own transaction instead of after it, where there is one. */
  readonly commit?: (
    claim: EffectClaim,
    effect: EffectRecord,
  ) => Promise<{ kept: boolean; performed: Performed<Value> }>;
  /** What became of an effect that nobody settled. */
  readonly reconcile: (effect: EffectRecord) => Promise<Decision<Value>>;
  readonly decide: (effect: EffectRecord) => Promise<Decision<Value>>;
  readonly compare: (candidates: readonly EffectRecord[]) => Promise<Decision<Value>>;
  readonly reuse: (effect: EffectRecord) => Value;
  readonly refuse: (why: "in-flight" | "fenced", effect?: EffectRecord) => Error;
  readonly conflict: (effect: EffectRecord) => Value;
  /** Told where an effect happened and could not be recorded: it stands as claimed. */
  readonly unrecorded: (effect: EffectRecord, error: unknown) => void;
}

const TRIES = 5;
const FIRST_PAUSE_MS = 50;

/**
 * Carries one effect from its claim to its settlement. The store is asked before anything happens:
 * where it does not answer, nothing does. Once it happened the result is delivered even where it
 * cannot be recorded; the claim that is left keeps everybody else from doing it again unasked.
 */
export async function carryOut<Value>(request: ClaimRequest, ports: Ports<Value>): Promise<Value> {
  let wanted = request;
  for (let looks = 0; ; looks += 1) {
    const askedAt = ports.elapsed();
    const outcome = await persistently(ports.sleep, () => ports.ledger.claimEffect(wanted));
    const step = nextStep(outcome, ports.rules, looks);
    switch (step.next) {
      case "perform": {
        // Had this process been held up since it asked, somebody else may have taken the claim.
        if (ports.elapsed() - askedAt >= wanted.leaseMs) continue;
        return performAndSettle(step.claim, step.effect, ports);
      }
      case "reuse":
        return ports.reuse(step.effect);
      case "wait":
        await ports.sleep(step.forMs);
        continue;
      case "refuse":
        throw ports.refuse("in-flight", step.effect);
      case "stop":
        throw ports.refuse("fenced");
      case "conflict":
        return ports.conflict(step.effect);
      case "reconcile":
      case "decide": {
        const decision = await ports[step.next](step.effect);
        if (decision.do === "answer") return decision.value;
        if (decision.do === "reuse") return ports.reuse(decision.effect);
        const retaken = await retake(wanted, step.effect, decision.do, ports);
        if (retaken === undefined) continue;
        if (decision.do === "run") return performAndSettle(retaken, step.effect, ports);
        await settle(retaken, decision.settlement, step.effect, ports);
        return ports.reuse({ ...step.effect, ...decision.settlement });
      }
      case "compare": {
        const decision = await ports.compare(step.candidates);
        if (decision.do === "answer") return decision.value;
        if (decision.do === "run") {
          wanted = { ...wanted, match: wanted.match && { ...wanted.match, replan: true } };
          continue;
        }
        if (decision.do === "reuse") {
          // The call takes up the recorded one's place, arguments included.
          const { argsHash, ordinal, key, request: kept } = decision.effect;
          const match = wanted.match && { ...wanted.match, ordinal };
          wanted = { ...wanted, key, argsHash, match, request: kept };
        }
        continue;
      }
    }
  }
}

/** Takes the very claim that was decided about; another one than that has to be decided about anew. */
async function retake<Value>(
  request: ClaimRequest,
  { token: decided }: EffectRecord,
  decision: "run" | "record",
  ports: Ports<Value>,
): Promise<EffectClaim | undefined> {
  for (;;) {
    const askedAt = ports.elapsed();
    const wanted = { ...request, decided };
    const outcome = await persistently(ports.sleep, () => ports.ledger.claimEffect(wanted));
    if (outcome.status !== "claimed") return undefined;
    const late = ports.elapsed() - askedAt >= request.leaseMs;
    if (!late || decision === "record") return outcome.claim;
  }
}

async function performAndSettle<Value>(
  claim: EffectClaim,
  effect: EffectRecord,
  ports: Ports<Value>,
): Promise<Value> {
  if (ports.commit !== undefined) {
    const { kept, performed } = await ports.commit(claim, effect);
    if (!kept) throw ports.refuse("fenced", effect);
    return performed.deliver();
  }
  const performed = await ports.perform(effect, claim);
  await settle(claim, performed.settlement, effect, ports);
  return performed.deliver();
}

async function settle<Value>(
  claim: EffectClaim,
  settlement: Settlement,
  effect: EffectRecord,
  ports: Ports<Value>,
): Promise<void> {
  let mine: boolean;
  try {
    mine = await persistently(ports.pause, () => ports.ledger.settleEffect(claim, settlement));
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    return ports.unrecorded(effect, error);
  }
  if (!mine) throw ports.refuse("fenced", effect);
}

/** Asks a store some times over: both questions may be repeated, since each has a name of its own. */
async function persistently<Answer>(
  sleep: Ports<never>["sleep"],
  ask: () => Promise<Answer>,
): Promise<Answer> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      if (tries >= TRIES || !isUnavailable(error)) throw error;
      await sleep(FIRST_PAUSE_MS * 2 ** (tries - 1));
    }
  }
}

function isUnavailable(error: unknown): boolean {
  return EvenkeelError.isInstance(error, "store-unavailable");
}
