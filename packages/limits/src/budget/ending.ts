import type { ModelRequest, ModelResult } from "@evenkeel/core";

import type { BudgetRun } from "./budget-run.ts";
import { answeringRequest, closingMessage, exhaustedError, withoutCalls } from "./last-answer.ts";
import type { Use } from "./limits.ts";
import type { BudgetContext } from "./options.ts";
import { exitOf, mayAnswer } from "./standing.ts";
import { taskOf } from "./task.ts";

/** Answers a call site gives once the budget is used up; a loop that goes on after that is broken. */
const MOST_ANSWERS = 100;

/** A model call at which a run has to end. */
export interface Ending {
  readonly request: ModelRequest;
  readonly run: BudgetRun;
  readonly context: BudgetContext;
  /** Makes the call, counted like any other. */
  readonly make: (request: ModelRequest) => Promise<ModelResult>;
}

/** Ends a run by its exit behavior: with an answer of the model, closing words, or a code. */
export async function endAt(use: Use, ending: Ending): Promise<ModelResult> {
  const { request, run, context, make } = ending;
  const { account, answering } = run;
  const behavior = exitOf(run, context);
  const { name: by } = context.live;
  run.report(context, use);
  const site = context.callSite ?? "model";
  const task = taskOf(request);
  const { execution, thread } = account.entry();
  const given = execution.answers[site] ?? 0;
  if (behavior === "error" || given >= MOST_ANSWERS) {
    await run.keeping.keep({ context, task });
    throw exhaustedError(use, by);
  }
  const answered = (): void => {
    const { answers } = account.entry().execution;
    account.changeExecution({ answers: { ...answers, [site]: (answers[site] ?? 0) + 1 } });
    if (use.scope === "perThread") account.changeThread({ endedBy: execution.id });
  };
  const locked =
    use.scope === "perThread" && ![null, execution.id].some((one) => one === thread.endedBy);
  const models = behavior === "final-answer" && mayAnswer(run) && !locked;
  if (!models || given > 0 || answering.has(site) || run.unknownCost !== undefined) {
    answered();
    await run.keeping.keep({ context, task });
    return closingMessage(use, by);
  }
  answering.add(site);
  try {
    const result = await make(answeringRequest(request, use));
    answered();
    run.keeping.keepSoon({ context, task });
    return withoutCalls(result, request, use);
  } finally {
    answering.delete(site);
  }
}
