import type { FailureClass, HookContext, MiddlewareMode } from "@evenkeel/core";
import { FAILURE_CLASSES } from "@evenkeel/core";

import { optionChecks } from "../check-options.ts";
import type { OptionChecks } from "../check-options.ts";
import type { ScopeOf } from "../scope-of.ts";
import { LIMIT_KINDS, TOOL_LIMIT_KINDS } from "./limits.ts";
import type { Limits, ToolLimits } from "./limits.ts";
import type { Price } from "./price.ts";

/** What happens once a budget of the execution or the thread is used up. */
export type ExitBehavior = "final-answer" | "interrupt" | "end" | "error";

const EXIT_BEHAVIORS: readonly ExitBehavior[] = ["final-answer", "interrupt", "end", "error"];

/** True for one of the four. */
export function isExitBehavior(value: unknown): value is ExitBehavior {
  return EXIT_BEHAVIORS.some((behavior) => behavior === value);
}

/** How often the layers of a run may try again, in tokens of a bucket. */
export interface RetryBudgetOptions {
  /** Tokens an execution has. @default 20 */
  readonly perExecution?: number;
  /** Tokens all executions of a scope have in this process, per provider of a model and per tool. @default 100 */
  readonly perProvider?: number;
  /** What a retry costs by the class of the failure before it. @default core's RETRY_COSTS: 1 where a pause helps, up to 5 */
  readonly costs?: Partial<Record<FailureClass, number>>;
  /** Tokens that a call which succeeds at once gives back. @default 0.1 */
  readonly reward?: number;
}

/** Options of {@link budgetMiddleware}. */
export interface BudgetMiddlewareOptions {
  /** Limits of one execution: all attempts, subgraphs, pauses and processes of one input. @default none */
  perExecution?: Limits;
  /** Limits of a thread: all its executions. @default none */
  perThread?: Limits;
  /** Limits of single tools within an execution, by name; at one of them only that tool is left alone. @default none */
  perTool?: Readonly<Record<string, ToolLimits>>;
  /** The part of a limit at which a warning is emitted, 0 to 1. @default 0.8 */
  warnAt?: number;
  /** What happens at a limit of the execution or the thread. @default "final-answer" */
  exitBehavior?: ExitBehavior;
  /** What a model call cost; needed for a limit on `cost`. @default none */
  price?: Price;
  /** The bucket that every layer draws on before it tries again. @default see RetryBudgetOptions */
  retryBudget?: RetryBudgetOptions;
  /** Whose executions share the retries of a provider. @default the run's scope: user and thread */
  scope?: ScopeOf;
  /** `"sync"` writes each checkpoint before the next step; `"inherit"` leaves the caller's choice alone. @default "sync" */
  durability?: "sync" | "inherit";
  /** @default "enforce" */
  mode?: MiddlewareMode;
  /** @default "budgetMiddleware" */
  name?: string;
}

/** The options that shape behaviour and are frozen with the execution. */
export interface BudgetOptions {
  readonly perExecution: Limits;
  readonly perThread: Limits;
  readonly perTool: Readonly<Record<string, ToolLimits>>;
  readonly warnAt: number;
  readonly exitBehavior: ExitBehavior;
  readonly retryBudget: RetryBudgetOptions;
}

/** What comes from the live process. */
export interface BudgetLive {
  readonly name: string;
  readonly price: Price | undefined;
  readonly scope: ScopeOf;
}

/** What the hooks of budgets get as their context. */
export type BudgetContext = HookContext<BudgetOptions, BudgetLive>;

const ALLOWED = [
  "perExecution",
  "perThread",
  "perTool",
  "warnAt",
  "exitBehavior",
  "price",
  "retryBudget",
  "scope",
  "durability",
  "mode",
  "name",
];

/** Checks options at construction; what is wrong is named, with what came and what is allowed. */
export function assertBudgetOptions(options: unknown): void {
  const check = optionChecks("budgetMiddleware");
  const given = check.record("options", options, ALLOWED);
  const { perExecution, perThread, perTool, price } = given;
  for (const [option, limits] of Object.entries({ perExecution, perThread })) {
    if (limits !== undefined) assertLimits(check, option, limits, price);
  }
  if (perTool !== undefined) {
    for (const [tool, limits] of Object.entries(check.record("perTool", perTool))) {
      assertKinds(check, `perTool.${tool}`, limits, TOOL_LIMIT_KINDS);
    }
  }
  if (given["retryBudget"] !== undefined) assertRetryBudget(check, given["retryBudget"]);
  check.number("warnAt", given["warnAt"], { from: 0, to: 1 });
  check.oneOf("exitBehavior", given["exitBehavior"], EXIT_BEHAVIORS);
  check.oneOf("durability", given["durability"], ["sync", "inherit"]);
  check.function("price", price);
  check.function("scope", given["scope"]);
  check.name(given["name"]);
}

function assertLimits(check: OptionChecks, option: string, limits: unknown, price: unknown): void {
  assertKinds(check, option, limits, LIMIT_KINDS);
  const { cost } = limits as Limits;
  if (cost !== undefined && price === undefined) {
    check.refuse(
      `${option}.cost`,
      cost,
      "a limit only with a function `price` to tell the cost by",
    );
  }
}

function assertKinds(
  check: OptionChecks,
  option: string,
  limits: unknown,
  kinds: readonly string[],
): void {
  for (const [kind, limit] of Object.entries(check.record(option, limits, kinds))) {
    const whole = kind !== "cost" && kind !== "wallTimeMs";
    check.number(`${option}.${kind}`, limit, { from: 0, whole });
  }
}

function assertRetryBudget(check: OptionChecks, retryBudget: unknown): void {
  const keys = ["perExecution", "perProvider", "costs", "reward"];
  const { costs, ...numbers } = check.record("retryBudget", retryBudget, keys);
  for (const [key, value] of Object.entries(numbers)) {
    check.number(`retryBudget.${key}`, value, { from: 0 });
  }
  if (costs === undefined) return;
  const given = check.record("retryBudget.costs", costs, Object.keys(FAILURE_CLASSES));
  for (const [failureClass, cost] of Object.entries(given)) {
    check.number(`retryBudget.costs.${failureClass}`, cost, { from: 0 });
  }
}
