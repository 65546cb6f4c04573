import { classifyFailure, isFailure, readEnvelope, toolAnswer } from "@evenkeel/core";
import type { Failure, Handler, RetryGrant, ToolCallRequest, ToolResult } from "@evenkeel/core";
import { isCommand, isGraphBubbleUp } from "@langchain/langgraph";

import { budgetRun } from "./budget-run.ts";
import type { BudgetRun } from "./budget-run.ts";
import { exhaustedEnvelope } from "./last-answer.ts";
import { useInWords } from "./limits.ts";
import type { Use } from "./limits.ts";
import type { BudgetContext } from "./options.ts";
import type { Try } from "./retries.ts";
import { endingUse, exitOf } from "./standing.ts";
import { taskOf } from "./task.ts";

type Call = Handler<ToolCallRequest, ToolResult>;

/** Makes a tool call while there is budget for it; one that is not made gets its answer here. */
export async function budgetToolCall(
  request: ToolCallRequest,
  handler: Call,
  context: BudgetContext,
): Promise<ToolResult> {
  const run = budgetRun(context);
  const { id = "", name } = request.toolCall;
  const ending = endingUse(run);
  // A person may allow more: what was asked for before is done, and the next model call pauses.
  if (ending !== undefined && exitOf(run, context) !== "interrupt") {
    return refuse(request, ending, run, context);
  }
  const attempt: Try = { key: `tool:${id}`, kind: "tool", target: name, callId: id };
  const grant = id === "" ? undefined : await run.retries.drawForTry(attempt);
  if (grant?.granted === false) return refuseRetry(request, grant, context);
  const task = taskOf(request);
  const against = run.calls.begin({ id, name, task });
  if (against !== undefined) return refuse(request, against, run, context);
  run.warn(context, name);
  // Durable before it begins: a tool that takes the process down with it has been counted.
  await run.keeping.keep({ context, task });
  return timed(run, name, () => makeCall(attempt, request, handler, run));
}

async function timed<Result>(
  { account, watch, clock }: BudgetRun,
  tool: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const begun = clock();
  watch.enter();
  try {
    return await work();
  } finally {
    watch.leave();
    const tookMs = clock() - begun;
    if (tookMs > 0) account.spendOnTool(tool, { wallTimeMs: tookMs });
  }
}

async function makeCall(
  attempt: Try,
  request: ToolCallRequest,
  handler: Call,
  { calls, retries }: BudgetRun,
): Promise<ToolResult> {
  try {
    const result = await handler(request);
    const failed = !isCommand(result) && result.status === "error";
    if (!failed) retries.succeeded(attempt);
    // What another middleware answered in the tool's place is no failure of the tool.
    else if (readEnvelope(result) === undefined) retries.failed(attempt, classifyFailure(result));
    return result;
  } catch (error) {
    if (isGraphBubbleUp(error)) {
      calls.paused(taskOf(request));
      throw error;
    }
    if (isFailure(error, request.runtime.signal)) retries.failed(attempt, classifyFailure(error));
    throw error;
  }
}

async function refuse(
  request: ToolCallRequest,
  use: Use,
  run: BudgetRun,
  context: BudgetContext,
): Promise<ToolResult> {
  const { toolCall } = request;
  const { name } = toolCall;
  if (use.kind === "toolCalls") run.account.changeExecution({ overdrawn: use.limit });
  run.report(context, use);
  await run.keeping.keep({ context, task: taskOf(request) });
  const words = useInWords(use);
  const message =
    use.scope === "perTool"
      ? `The tool "${name}" has been used as often as this run may use it (${words}). Nothing was done. Go on without it.`
      : `The budget of this run is used up (${words}), so "${name}" was not called. Nothing was done. Answer from what is known.`;
  return toolAnswer({ toolCall, envelope: exhaustedEnvelope(use, context.live.name, message) });
}

function refuseRetry(
  { toolCall }: ToolCallRequest,
  grant: RetryGrant & { failure: Failure },
  { live }: BudgetContext,
): ToolResult {
  const { refusedBy, cost, left, failure } = grant;
  return toolAnswer({
    toolCall,
    envelope: {
      v: 1,
      code: "budget-exhausted",
      message: `The tool "${toolCall.name}" failed and is not tried again: this run has used up its retries. It said: ${failure.message}`,
      retryable: false,
      safeToReplay: true,
      by: live.name,
      details: { limit: refusedBy, cost, left, tool: toolCall.name },
    },
  });
}
