import { classifyFailure, isFailure } from "@evenkeel/core";
import type { Handler, ModelRequest, ModelResult } from "@evenkeel/core";
import { isGraphBubbleUp } from "@langchain/langgraph";

import { LimitsError } from "../errors.ts";
import { hideTools } from "../hide-tools.ts";
import { modelFacts } from "../model-facts.ts";
import type { ModelFacts } from "../model-facts.ts";
import { budgetRun } from "./budget-run.ts";
import type { BudgetRun } from "./budget-run.ts";
import { endAt } from "./ending.ts";
import { isUsedUp } from "./limits.ts";
import type { BudgetContext } from "./options.ts";
import { pauseAt, replayPauses } from "./pause.ts";
import type { Try } from "./retries.ts";
import { settleCall } from "./settle-call.ts";
import { exitOf, modelUse } from "./standing.ts";
import { taskOf } from "./task.ts";
import { messageOf } from "./usage.ts";

type Call = Handler<ModelRequest, ModelResult>;

/** Makes a model call while there is budget for it, and ends the run by its exit behavior where not. */
export async function budgetModelCall(
  request: ModelRequest,
  handler: Call,
  context: BudgetContext,
): Promise<ModelResult> {
  const run = budgetRun(context);
  const site = context.callSite ?? "model";
  run.calls.forget(site);
  const task = taskOf(request);
  replayPauses(run, context, task);
  const make = (next: ModelRequest): Promise<ModelResult> => makeCall(next, handler, run, context);
  let use = modelUse(run, context);
  if (use !== undefined && exitOf(run, context) === "interrupt") {
    run.report(context, use);
    use = pauseAt(use, run, context, task);
  }
  if (use !== undefined) return endAt(use, { request, run, context, make });
  if (run.unknownCost !== undefined) throw run.unknownCost;
  return make(hideTools(request, usedUpTools(run, context)));
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
  const task = taskOf(request);
  void run.keeping.keep({ context, task });
  watch.enter();
  try {
    const result = await handler(request);
    retries.succeeded(attempt);
    settleCall(messageOf(result), facts, run, context);
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
    run.keeping.keepSoon({ context, task });
  }
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
