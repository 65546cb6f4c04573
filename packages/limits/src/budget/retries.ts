import { RETRY_CAPACITY, RETRY_COSTS, tokenBucket } from "@evenkeel/core";
import type { Failure, RetryBudget, RetryDraw, RetryGrant } from "@evenkeel/core";

import type { Account } from "./account.ts";
import { isUsedUp } from "./limits.ts";
import type { RetryBudgetOptions } from "./options.ts";
import { providerBucket } from "./provider-buckets.ts";

const PROVIDER_CAPACITY = 100;
const REWARD = 0.1;

/** What the retries of a run are decided with. */
export interface RetriesParts {
  readonly account: Account;
  readonly options: () => RetryBudgetOptions;
  /** Whose executions share the buckets of providers. */
  readonly scope: string;
  /** Grants everything and only reports. */
  readonly observes: boolean;
  /** Reports a limit that refused a retry. */
  readonly report: (limit: string, facts: Readonly<Record<string, unknown>>) => void;
  /** Keeps the account; settles once that is durable. */
  readonly keep: () => Promise<void>;
}

/** One try of a call, as the budget sees it pass. */
export interface Try {
  /** The same for every try of one call, and for no other call. */
  readonly key: string;
  readonly kind: "model" | "tool";
  readonly target: string | null;
  readonly callId: string | null;
}

/** The retries of one run: those that layers ask for, and those that they make without asking. */
export interface Retries extends RetryBudget {
  /** Draws for a call that comes again after a failure and that nobody has drawn for; undefined where it does not. */
  drawForTry(attempt: Try): Promise<(RetryGrant & { failure: Failure }) | undefined>;
  failed(attempt: Try, failure: Failure): void;
  succeeded(attempt: Try): void;
}

/** Opens the retries of a run. */
export function runRetries(parts: RetriesParts): Retries {
  const { account } = parts;
  const failures = new Map<string, Failure>();
  const granted = new Map<string, number>();
  const grants = new Map<string, RetryGrant>();

  const executionBucket = (): ReturnType<typeof tokenBucket> => {
    const { retryTokens } = account.entry().execution;
    const { perExecution = RETRY_CAPACITY } = parts.options();
    return tokenBucket(perExecution, retryTokens ?? perExecution);
  };
  const give = ({ kind, target }: Pick<RetryDraw, "kind" | "target">, tokens: number): void => {
    const { perProvider = PROVIDER_CAPACITY } = parts.options();
    const bucket = executionBucket();
    const before = bucket.level();
    bucket.give(tokens);
    if (bucket.level() !== before) account.changeExecution({ retryTokens: bucket.level() });
    if (target !== null) providerBucket(parts.scope, `${kind}:${target}`, perProvider).give(tokens);
  };
  const take = (draw: RetryDraw, cost: number): { refusedBy: string | null; left: number } => {
    const { perProvider = PROVIDER_CAPACITY } = parts.options();
    const spentLimit = [...account.uses(), ...account.toolUses(toolOf(draw))].find(
      (use) => use.kind === "retries" && isUsedUp(use),
    );
    const own = executionBucket();
    const shared =
      draw.target === null
        ? undefined
        : providerBucket(parts.scope, `${draw.kind}:${draw.target}`, perProvider);
    const left = (): number => Math.min(own.level(), shared?.level() ?? Infinity);
    if (spentLimit !== undefined) return { refusedBy: spentLimit.limit, left: left() };
    if (own.level() < cost) return { refusedBy: "retryBudget.perExecution", left: left() };
    if (shared?.take(cost) === false) return { refusedBy: "retryBudget.perProvider", left: left() };
    own.take(cost);
    account.changeExecution({ retryTokens: own.level() });
    account.spend({ retries: 1 });
    account.spendOnTool(toolOf(draw), { retries: 1 });
    return { refusedBy: null, left: left() };
  };

  const decide = async (draw: RetryDraw): Promise<RetryGrant> => {
    const { failureClass } = draw.failure;
    const cost = parts.options().costs?.[failureClass] ?? RETRY_COSTS[failureClass];
    const { refusedBy, left } = take(draw, cost);
    let taken = refusedBy === null ? cost : 0;
    if (refusedBy !== null) {
      const { by, kind, target } = draw;
      parts.report(refusedBy, { askedBy: by, kind, target, cost, left, failure: failureClass });
    }
    await parts.keep();
    return {
      granted: refusedBy === null || parts.observes,
      cost,
      left,
      refusedBy: parts.observes ? null : refusedBy,
      refund() {
        give(draw, taken);
        taken = 0;
      },
    };
  };
  return {
    async draw(draw) {
      const grant = await decide(draw);
      if (!grant.granted) return grant;
      // A new attempt begins with a clean slate: its calls are no retries of the last one's.
      if (draw.kind === "attempt") failures.clear();
      else granted.set(drawnKey(draw), (granted.get(drawnKey(draw)) ?? 0) + 1);
      return grant;
    },
    async drawForTry(attempt) {
      const failure = failures.get(attempt.key);
      if (failure === undefined) return undefined;
      const { kind, target, callId } = attempt;
      const before = granted.get(drawnKey(attempt)) ?? 0;
      if (before > 0) {
        granted.set(drawnKey(attempt), before - 1);
        return undefined;
      }
      const grant = await decide({ by: "unknown", kind, target, callId, failure });
      if (grant.granted) grants.set(attempt.key, grant);
      return { ...grant, failure };
    },
    failed: ({ key }, failure) => void failures.set(key, failure),
    succeeded(attempt) {
      const { key } = attempt;
      const grant = grants.get(key);
      grants.delete(key);
      if (grant !== undefined) grant.refund();
      // A layer that drew gives back what it drew; a call that needed no retry earns a little.
      else if (!failures.has(key)) give(attempt, parts.options().reward ?? REWARD);
      failures.delete(key);
    },
  };
}

/** What a grant is for: one tool call, or any call of a model, which has no id that all layers know. */
function drawnKey({ callId, kind, target }: Pick<RetryDraw, "callId" | "kind" | "target">): string {
  return kind === "tool" ? `tool:${callId ?? target ?? ""}` : kind;
}

/** The tool a retry is of; no tool has an empty name. */
function toolOf({ kind, target }: Pick<RetryDraw, "kind" | "target">): string {
  return kind === "tool" ? (target ?? "") : "";
}
