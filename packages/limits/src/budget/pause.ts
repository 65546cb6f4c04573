import { interrupt } from "@langchain/langgraph";

import type { BudgetRun } from "./budget-run.ts";
import { LIMIT_KINDS, useInWords } from "./limits.ts";
import type { LimitKind, Limits, Use } from "./limits.ts";
import { isExitBehavior } from "./options.ts";
import type { BudgetContext } from "./options.ts";
import { modelUse } from "./standing.ts";

/** What a person is shown where a run pauses at a limit. */
export interface BudgetPause {
  readonly code: "budget-exhausted";
  readonly limit: string;
  readonly spent: number;
  readonly allowed: number;
  readonly message: string;
}

/**
 * Pauses until a person has allowed more than the limit or has said how to end. `true` allows the
 * same amount again, `{ extend: { tokens: 5_000 } }` so much more, an exit behavior ends the run by
 * it, from here on; anything else is asked again. Undefined once there is enough to go on.
 */
export function pauseAt(
  first: Use,
  run: BudgetRun,
  context: BudgetContext,
  task: string,
): Use | undefined {
  for (let use: Use | undefined = first; use !== undefined; use = modelUse(run, context)) {
    const answer: unknown = interrupt(shown(use));
    if (isExitBehavior(answer) && answer !== "interrupt") {
      run.account.changeExecution({ exit: answer, paused: pausedAgain(run, task) });
      return use;
    }
    extend(run, use, answer === true ? again(use, context) : extensionOf(answer), task);
  }
  return undefined;
}

/**
 * Goes again through the pauses this task went through before it was cut off: LangGraph hands out
 * answers by order, so one that is not asked for would reach the next question of the node.
 */
export function replayPauses(run: BudgetRun, context: BudgetContext, task: string): void {
  const { paused } = run.account.entry().execution;
  if (
    context.mode !== "enforce" ||
    paused === null ||
    paused.task !== task ||
    run.replayed.has(task)
  )
    return;
  run.replayed.set(task, paused.times);
  for (let time = 0; time < paused.times; time += 1) interrupt({ code: "budget-exhausted" });
}

function shown(use: Use): BudgetPause {
  const { limit, spent, allowed } = use;
  return {
    code: "budget-exhausted",
    limit,
    spent,
    allowed,
    message: `The budget is used up (${useInWords(use)}). Resume with true to allow as much again, with { extend: { ${use.kind}: … } }, or with "final-answer", "end" or "error".`,
  };
}

function again({ scope, kind }: Use, { options }: BudgetContext): Limits {
  const limits: Readonly<Record<string, unknown>> =
    scope === "perTool" ? {} : { ...options[scope] };
  return { [kind]: limits[kind] };
}

function extend(run: BudgetRun, use: Use, more: Limits, task: string): void {
  const { account } = run;
  const { execution, thread } = account.entry();
  const ofThread = use.scope === "perThread";
  const extended = sumOf(ofThread ? thread.extended : execution.extended, more);
  if (ofThread) account.changeThread({ extended });
  account.changeExecution({
    paused: pausedAgain(run, task),
    overdrawn: null,
    ...(ofThread ? {} : { extended }),
  });
}

function pausedAgain(
  { account, replayed }: BudgetRun,
  task: string,
): { task: string; times: number } {
  const { paused } = account.entry().execution;
  const times = paused?.task === task ? paused.times + 1 : 1;
  replayed.set(task, times);
  return { task, times };
}

function extensionOf(answer: unknown): Limits {
  const given = (answer as { extend?: unknown } | null | undefined)?.extend;
  if (typeof given !== "object" || given === null) return {};
  const valid = Object.entries(given).filter(
    ([kind, amount]) =>
      LIMIT_KINDS.some((known) => known === kind) && Number.isFinite(amount) && amount > 0,
  );
  return Object.fromEntries(valid);
}

function sumOf(before: Limits, more: Limits): Limits {
  const sum: Partial<Record<LimitKind, number>> = { ...before };
  for (const [kind, amount] of Object.entries(more) as [LimitKind, number][]) {
    sum[kind] = (sum[kind] ?? 0) + amount;
  }
  return sum;
}
