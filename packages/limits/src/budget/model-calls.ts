import { classifyFailure, isFailure } from "@evenkeel/core";
import type { Handler, ModelRequest, ModelResult } from "@evenkeel/core";
import type { AIMessage } from "@langchain/core/messages";
import { isGraphBubbleUp } from "@langchain/langgraph";

import { LimitsError } from "../errors.ts";
import { hideTools } from "../hide-tools.ts";
import { modelFacts } from "../model-facts.ts";
import type { ModelFacts } from "../model-facts.ts";
import { budgetRun, warnOnce } from "./budget-run.ts";
import type { BudgetRun } from "./budget-run.ts";
import { answeringRequest, closingMessage, exhaustedError, withoutCalls } from "./last-answer.ts";
import { isUsedUp } from "./limits.ts";
import type { Use } from "./limits.ts";
import type { BudgetContext, ExitBehavior } from "./options.ts";
import { pauseAt, replayPauses } from "./pause.ts";
import { priceOf } from "./price.ts";
import type { Try } from "./retries.ts";
import { mayAnswer, modelUse } from "./standing.ts";
import { taskOf } from "./task.ts";
import { messageOf, usageOf } from "./usage.ts";

type Call = Handler<ModelRequest, ModelResult>;

/** Answers a call site gives once the budget is used up; a loop that goes on after that is broken. */
const MOST_ANSWERS = 100;

/** Makes a model call while there is budget for it, and ends the run by its exit behavior where not. */
export async function budgetModelCall(
  request: ModelRequest,
  handler: Call,
  context: BudgetContext,
): Promise<ModelResult> {
  const run = budgetRun(context);
  const site = context.callSite ?? "model";
  run.calls.forget(site);
  const pauses = context.options.exitBehavior === "interrupt" && context.mode === "enforce";
  const task = taskOf(request);
  if (pauses) replayPauses(run, task);
  let use = modelUse(run, context);
  let { exitBehavior } = context.options;
  if (use !== undefined && pauses) {
    run.report(context, use);
    const ended = pauseAt(use, run, context, task);
    use = ended?.use;
    exitBehavior = ended?.exitBehavior ?? exitBehavior;
  }
  if (use !== undefined) return endAt(use, exitBehavior, { request, handler, run, context });
  if (run.unknownCost !== undefined) throw run.unknownCost;
  return makeCall(hideTools(request, usedUpTools(run, context)), handler, run, context);
}

interface Ending {
  readonly request: ModelRequest;
  readonly handler: Call;
  readonly run: BudgetRun;
  readonly context: BudgetContext;
}

async function endAt(use: Use, behavior: ExitBehavior, ending: Ending): Promise<ModelResult> {
  const { request, handler, run, context } = ending;
  const { account, answering } = run;
  const { name: by } = context.live;
  run.report(context, use);
  const site = context.callSite ?? "model";
  const { execution, thread } = account.entry();
  const given = execution.answers[site] ?? 0;
  if (behavior === "error" || given >= MOST_ANSWERS) {
    await run.keep(context);
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
    await run.keep(context);
    return closingMessage(use, by);
  }
  answering.add(site);
  try {
    const result = await makeCall(answeringRequest(request, use), handler, run, context);
    answered();
    void run.keep(context);
    return withoutCalls(result, request, use);
  } finally {
    answering.delete(site);
  }
}

async function makeCall(
  request: ModelRequest,
  handler: Call,
  run: BudgetRun,
  context: BudgetContext,
): Promise<ModelResult> {
  const { account, retries, watch } = run;
  const facts = modelFacts(request.model);
  const attempt = tryOf(request, facts, context);
  // Before anything is waited for: calls of one superstep see each other by what is counted.
  account.spend({ modelCalls: 1 });
  const grant = await retries.drawForTry(attempt);
  if (grant?.granted === false) {
    account.spend({ modelCalls: -1 });
    throw new LimitsError({
      code: "budget-exhausted",
      middleware: context.live.name,
      message: `${context.live.name}: a model call failed, and ${grant.refusedBy ?? "the retry budget"} has not enough left to try it again: ${grant.failure.message}`,
      details: { limit: grant.refusedBy, cost: grant.cost, left: grant.left },
    });
  }
  run.warn(context);
  void run.keep(context);
  watch.enter();
  try {
    const result = await handler(request);
    retries.succeeded(attempt);
    settle(messageOf(result), facts, run, context);
    return result;
  } catch (error) {
    if (isGraphBubbleUp(error)) {
      // It will be made again when the run goes on, and is counted then.
      account.spend({ modelCalls: -1 });
      throw error;
    }
    if (isFailure(error, request.runtime.signal)) retries.failed(attempt, classifyFailure(error));
    throw error;
  } finally {
    watch.leave();
    void run.keep(context);
  }
}

function settle(
  message: AIMessage | undefined,
  facts: ModelFacts,
  run: BudgetRun,
  context: BudgetContext,
): void {
  const { account, calls } = run;
  const usage = usageOf(message);
  const { perExecution, perThread } = context.options;
  if (usage === undefined) {
    const counts = [perExecution, perThread].some(
      ({ tokens, inputTokens, outputTokens, cost }) =>
        (tokens ?? inputTokens ?? outputTokens ?? cost) !== undefined,
    );
    if (counts) warnOnce(context, "usage-missing", { ...facts });
  } else {
    const { inputTokens, outputTokens, totalTokens } = usage;
    const { price, name } = context.live;
    const cost =
      price === undefined
        ? 0
        : priceOf(price, { ...facts, ...usage, usage: message?.usage_metadata }, name);
    const known = typeof cost === "number" ? cost : 0;
    account.spend({ tokens: totalTokens, inputTokens, outputTokens, cost: known });
    if (typeof cost !== "number") {
      warnOnce(context, "price-invalid", { ...facts });
      const limited = perExecution.cost !== undefined || perThread.cost !== undefined;
      // The answer is paid for and handed on; without knowing what it cost nothing more is spent.
      if (limited) run.unknownCost = cost;
    }
  }
  const asked = (message?.tool_calls ?? []).map(({ id = "", name }) => ({ id, name }));
  calls.announce(context.callSite ?? "model", asked);
  run.warn(context);
}

function usedUpTools(run: BudgetRun, { options }: BudgetContext): ReadonlySet<string> {
  const names = Object.keys(options.perTool).filter((tool) =>
    run.account.toolUses(tool).some((use) => use.kind !== "retries" && isUsedUp(use)),
  );
  return new Set(names);
}

/**
 * Tells a call that is made again from another one of the same site: the same task, the same
 * conversation as far as it ends alike.
 */
function tryOf(
  request: ModelRequest,
  { provider, model }: ModelFacts,
  context: BudgetContext,
): Try {
  const { messages } = request;
  const text = messages.at(-1)?.text ?? "";
  const key = JSON.stringify([
    context.callSite,
    taskOf(request),
    messages.length,
    text.length,
    text.slice(0, 100),
    text.slice(-100),
  ]);
  return { key, kind: "model", target: provider ?? model, callId: null };
}
