/**
 * Where an effect stands. `claimed`: a worker is at it, or died at it. `settled`: done, its result is
 * kept. `failed`: ended in an error, and may be tried again under the same key. `void`: never begun.
 * `unknown`: nobody can tell whether it was done, so nobody may try it again before somebody decided.
 */
export type EffectStatus = "claimed" | "settled" | "failed" | "void" | "unknown";

/** How a tool's effect behaves when it happens twice; what a worker may do with a dead claim follows from it. */
export type EffectKind = "idempotent" | "keyed" | "transactional" | "once";

/** One effect as the ledger knows it. */
export interface EffectRecord {
  /** Version of this shape. */
  readonly v: 1;
  readonly scope: string;
  /** Names the effect inside its scope. */
  readonly key: string;
  /** The execution that claimed it first. */
  readonly executionId: string;
  readonly threadId: string | null;
  readonly tool: string;
  readonly effect: EffectKind;
  readonly status: EffectStatus;
  /** SHA-256 over the canonical arguments. */
  readonly argsHash: string;
  /** Which try at the plan has met it last: attempt, fork, or one entry of a node. */
  readonly plan: string;
  /** Of equal calls of one plan, the how many-th this is; 0-based. */
  readonly ordinal: number;
  /** Fencing token of the last claim: higher than any before it. */
  readonly token: number;
  /** The task whose person was asked about it, so that it is asked at the same place when the task runs again. */
  readonly asked: string | null;
  /** JSON given with the claim. */
  readonly request: unknown;
  /** JSON given with the settlement; undefined before. */
  readonly result: unknown;
  /** ISO 8601, UTC, by the store's clock. */
  readonly createdAt: string;
  /** When it was settled last; ISO 8601, UTC, by the store's clock; null before. */
  readonly settledAt: string | null;
}

/** The right to settle one claim, until another claim takes it. */
export interface EffectClaim {
  readonly scope: string;
  readonly key: string;
  readonly token: number;
}

/** What a worker asks before it lets an effect happen. */
export interface ClaimRequest {
  readonly scope: string;
  readonly key: string;
  readonly executionId: string;
  readonly threadId: string | null;
  readonly tool: string;
  readonly effect: EffectKind;
  readonly argsHash: string;
  /** Kept with the effect: JSON. */
  readonly request: unknown;
  /** Names this claim: the same claim asked twice, because an answer was lost, is one. */
  readonly claimId: string;
  /** How long it holds without being extended, in milliseconds of the store's clock. */
  readonly leaseMs: number;
  /** Token of the execution lease this worker holds; a lease that is not held any more claims nothing. */
  readonly fence: number | null;
  /**
   * What may be claimed beside what is new: `"failed"` what failed or never began, `"dead"` also what
   * a worker left behind. A dead claim that may not be taken becomes `unknown`.
   */
  readonly take: "failed" | "dead";
  /** Token of the unknown claim that was decided about: that very one may be taken, and no later one. */
  readonly decided: number | null;
  readonly asked: string | null;
  /** How it is found again by a later plan that names its calls anew; null where the key alone counts. */
  readonly match: EffectMatch | null;
}

/** How effects of one execution are recognised when their calls come under other ids. */
export interface EffectMatch {
  /** Names the call and its own arguments: a call that took up another's place is known by it again. */
  readonly callId: string;
  /** Equal calls before this one that were answered: what failed of them, this call tries again. */
  readonly answered: readonly string[];
  readonly plan: string;
  readonly ordinal: number;
  /** What this plan is known to call, as `argsHash#ordinal`: left alone when a changed call looks for its like. */
  readonly planned: readonly string[];
  /** Claims although another plan left an effect of this tool that nothing has met yet. */
  readonly replan: boolean;
  /** Other plans that stand: what they did is theirs, never this plan's. Nothing by default. */
  readonly standing?: StandingPlans;
}

/** Plans of one execution that hold beside one another, so that their equal calls are as many effects. */
export interface StandingPlans {
  /** By their whole names. */
  readonly plans: readonly string[];
  /** By how their names begin: all that begin with `step`, but not with `task`. */
  readonly beside: readonly { readonly step: string; readonly task: string }[];
}

/** How a claim was answered. */
export type ClaimOutcome =
  /** It is this worker's to do. */
  | { readonly status: "claimed"; readonly claim: EffectClaim; readonly effect: EffectRecord }
  /** It was done before: the result is in the record. */
  | { readonly status: "settled"; readonly effect: EffectRecord }
  /** Another worker is at it, for at least `remainingMs` more. */
  | {
      readonly status: "in-flight";
      readonly effect: EffectRecord;
      readonly remainingMs: number;
    }
  /** Nobody can tell whether it was done. */
  | { readonly status: "unknown"; readonly effect: EffectRecord }
  /** The key stands for other arguments. */
  | { readonly status: "conflict"; readonly effect: EffectRecord }
  /** Another plan did something of this tool that this plan has not met; nothing was claimed. */
  | { readonly status: "replanned"; readonly candidates: readonly EffectRecord[] }
  /** The worker does not hold its execution any more; nothing was claimed. */
  | { readonly status: "fenced" };

/** How a claimed effect came out. */
export interface Settlement {
  readonly status: "settled" | "failed" | "void" | "unknown";
  /** JSON. */
  readonly result: unknown;
}

/** Which effects are wanted. */
export interface EffectQuery {
  readonly scope: string;
  readonly executionId?: string;
  readonly threadId?: string;
  readonly status?: EffectStatus;
  readonly tool?: string;
  readonly limit?: number;
}

/**
 * Where side effects are recorded: claimed before they happen, settled after. Every call is atomic,
 * one round trip, and goes by the store's clock. A claim can be settled until it is taken by another
 * claim, or its execution lease by another worker.
 */
export interface EffectLedger {
  claimEffect(request: ClaimRequest): Promise<ClaimOutcome>;
  /** Records how a claim came out; false where it is not the worker's any more, and then nothing is recorded. */
  settleEffect(claim: EffectClaim, settlement: Settlement): Promise<boolean>;
  /** Lets claims hold `leaseMs` milliseconds from now; answers those that still do. */
  extendEffects(claims: readonly EffectClaim[], leaseMs: number): Promise<EffectClaim[]>;
  lookupEffect(scope: string, key: string): Promise<EffectRecord | undefined>;
  /** By ascending time of creation. */
  listEffects(query: EffectQuery): Promise<EffectRecord[]>;
  /**
   * Runs work in one transaction that also records its settlement: both happen or neither. False
   * where the claim is not the worker's any more, and then the work is undone. Missing where the
   * store has no transactions to offer.
   */
  settleInTransaction?(
    claim: EffectClaim,
    work: (transaction: unknown) => Promise<Settlement>,
  ): Promise<boolean>;
}
