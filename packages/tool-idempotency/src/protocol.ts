import type { ClaimOutcome, EffectClaim, EffectKind, EffectRecord } from "@evenkeel/core";

/** How a tool declares its effect; a `pure` tool has none and is never recorded. */
export type DeclaredEffect = "pure" | EffectKind;

/** What is decided beforehand about the outcomes that leave a choice. */
export interface Rules {
  readonly onInFlight: "wait" | "refuse";
  readonly onUnknown: "interrupt" | "message";
  readonly onReplan: "interrupt" | "reuse" | "run";
  /** Whether somebody can be asked what became of an effect nobody settled. */
  readonly reconciles: boolean;
}

/** What comes next in the life of one effect. */
export type Step =
  /** Let it happen, and settle it. */
  | { readonly next: "perform"; readonly claim: EffectClaim; readonly effect: EffectRecord }
  /** Answer with what was recorded. */
  | { readonly next: "reuse"; readonly effect: EffectRecord }
  /** Claim again after so many milliseconds: another worker is at it. */
  | { readonly next: "wait"; readonly forMs: number; readonly effect: EffectRecord }
  | { readonly next: "refuse"; readonly effect: EffectRecord }
  /** Find out what became of it, and settle that. */
  | { readonly next: "reconcile"; readonly effect: EffectRecord }
  /** Have a person, or the rules, decide about one nobody can tell about. */
  | { readonly next: "decide"; readonly effect: EffectRecord }
  /** Have a person, or the rules, decide whether a changed call stands for one of these. */
  | { readonly next: "compare"; readonly candidates: readonly EffectRecord[] }
  | { readonly next: "conflict"; readonly effect: EffectRecord }
  | { readonly next: "stop" };

const FIRST_LOOK_MS = 50;
const LONGEST_LOOK_MS = 1_000;

/** What to do about the answer to a claim; `looks` is how often it was asked before. */
export function nextStep(outcome: ClaimOutcome, rules: Rules, looks: number): Step {
  switch (outcome.status) {
    case "claimed":
      return { next: "perform", claim: outcome.claim, effect: outcome.effect };
    case "settled":
      return { next: "reuse", effect: outcome.effect };
    case "in-flight":
      return rules.onInFlight === "wait"
        ? { next: "wait", forMs: lookAfter(outcome.remainingMs, looks), effect: outcome.effect }
        : { next: "refuse", effect: outcome.effect };
    case "unknown":
      return { next: rules.reconciles ? "reconcile" : "decide", effect: outcome.effect };
    case "replanned":
      return { next: "compare", candidates: outcome.candidates };
    case "conflict":
      return { next: "conflict", effect: outcome.effect };
    case "fenced":
      break;
  }
  return { next: "stop" };
}

/** A worker that is alive extends its claim, so it is looked at again long before that runs out. */
function lookAfter(remainingMs: number, looks: number): number {
  const patience = Math.min(FIRST_LOOK_MS * 2 ** Math.min(looks, 10), LONGEST_LOOK_MS);
  return Math.max(1, Math.min(patience, remainingMs + 1));
}

/**
 * What a claim may take up beside what is new. Only an effect that may happen twice, or whose record
 * commits with it, is taken from a dead worker; `once` is not, nor what somebody can look up first: a
 * service forgets the keys it was given long ago.
 */
export function takes(effect: EffectKind, reconciles: boolean): "failed" | "dead" {
  return effect === "once" || reconciles ? "failed" : "dead";
}

/** How an effect whose tool threw is recorded: tried again under its key, or nobody can tell. */
export function afterFailure(effect: EffectKind, began: boolean): "failed" | "unknown" {
  return effect === "once" && began ? "unknown" : "failed";
}
