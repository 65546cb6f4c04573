import type { BudgetRun } from "./budget-run.ts";
import { isUsedUp } from "./limits.ts";
import type { LimitKind, Use } from "./limits.ts";
import type { BudgetContext, ExitBehavior } from "./options.ts";

/** Limits at which nothing more may be spent at all, whoever would spend it. */
const ENDING: ReadonlySet<Use["kind"]> = new Set<LimitKind>([
  "tokens",
  "inputTokens",
  "outputTokens",
  "cost",
  "wallTimeMs",
]);

/** What happens at a limit: what a person said last, or what was chosen beforehand. */
export function exitOf({ account }: BudgetRun, { options, mode }: BudgetContext): ExitBehavior {
  const exit = account.entry().execution.exit ?? options.exitBehavior;
  // To pause is to act: what only observes goes on.
  return exit === "interrupt" && mode !== "enforce" ? "end" : exit;
}

/** The limit that stands against any further work, where one does. */
export function endingUse({ account }: BudgetRun): Use | undefined {
  return account.uses().find((use) => ENDING.has(use.kind) && isUsedUp(use));
}

/** The limit at which the next model call has to end the run, where one is reached. */
export function modelUse(run: BudgetRun, context: BudgetContext): Use | undefined {
  const answers = exitOf(run, context) === "final-answer";
  const { overdrawn } = run.account.entry().execution;
  return (
    endingUse(run) ??
    run.account.uses().find((use) => {
      const left = use.allowed - use.spent;
      // The last call that is allowed is the one that answers.
      if (use.kind === "modelCalls") return left <= (answers ? 1 : 0);
      // Tools that may not be called are no use to a model that has to answer; until one is refused,
      // a model that only answers need not be stopped.
      return use.kind === "toolCalls" && left <= 0 && (answers || overdrawn === use.limit);
    })
  );
}

/** True where the model may be called once more, to answer. */
export function mayAnswer({ account }: BudgetRun): boolean {
  return account.uses().every((use) => use.kind !== "modelCalls" || !isUsedUp(use));
}
