import type { Failure, FailureClass } from "../failure/failure.ts";
import { tokenBucket } from "./token-bucket.ts";

/** What a layer would try again, and after which failure. */
export interface RetryDraw {
  /** The middleware that asks. */
  readonly by: string;
  /** One call of a model, one call of a tool, or the whole attempt. */
  readonly kind: "model" | "tool" | "attempt";
  /** The provider or the tool it would be tried on; null for an attempt. */
  readonly target: string | null;
  /** The call's id, by which a budget tells a retry that was drawn for from one that was not. */
  readonly callId: string | null;
  readonly failure: Pick<Failure, "failureClass" | "rule">;
}

/** What a budget answers. */
export interface RetryGrant {
  /** False: do not try again, the failure stands. */
  readonly granted: boolean;
  /** Tokens the retry takes, or would have taken. */
  readonly cost: number;
  /** Tokens left in the scarcest bucket that was asked. */
  readonly left: number;
  /** Which bucket or limit had not enough; null where granted. */
  readonly refusedBy: string | null;
  /** Gives the tokens back once the retry has succeeded; a second time it does nothing. */
  refund(): void;
}

/**
 * The one budget of a run that every layer draws on before it tries something again, so that five
 * layers of retry add up instead of multiplying.
 */
export interface RetryBudget {
  draw(draw: RetryDraw): Promise<RetryGrant>;
}

/** The budget as a hook meets it: whichever one holds for the run. */
export interface SharedRetryBudget extends RetryBudget {
  /** Puts a budget in the place of the built-in one, for this run; the first one that comes holds. */
  provide(budget: RetryBudget): void;
}

/** What a retry costs by the class of the failure before it: cheap where a pause helps, dear where nothing does. */
export const RETRY_COSTS: Readonly<Record<FailureClass, number>> = {
  infrastructure: 1,
  "contract-violation": 1,
  "model-hallucination": 1,
  "tool-exhaustion": 2,
  unknown: 2,
  planning: 2,
  "integration-gap": 5,
  policy: 5,
  "environment-drift": 5,
  "retry-budget-overflow": 5,
};

/** Tokens an execution has where no budget was provided: twenty retries of passing trouble. */
export const RETRY_CAPACITY = 20;

/** A retry budget in this process's memory: what a run has where nothing else was provided. */
export function memoryRetryBudget(capacity: number = RETRY_CAPACITY): RetryBudget {
  const bucket = tokenBucket(capacity);
  return {
    async draw({ failure }) {
      const cost = RETRY_COSTS[failure.failureClass];
      const granted = bucket.take(cost);
      let taken = granted ? cost : 0;
      return {
        granted,
        cost,
        left: bucket.level(),
        refusedBy: granted ? null : "execution",
        refund() {
          bucket.give(taken);
          taken = 0;
        },
      };
    },
  };
}

/** Where the budget of a run is kept: its scope in this process. */
export interface RetryBudgetHolder {
  retryBudget?: RetryBudget | undefined;
}

/** The budget of a run as its hooks share it. */
export function sharedRetryBudget(run: RetryBudgetHolder): SharedRetryBudget {
  return {
    draw: (draw) => (run.retryBudget ??= memoryRetryBudget()).draw(draw),
    provide: (budget) => void (run.retryBudget ??= budget),
  };
}
