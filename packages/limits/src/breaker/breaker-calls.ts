import { toolAnswer, toolName } from "@evenkeel/core";
import type {
  Handler,
  ModelRequest,
  ModelResult,
  ToolCallRequest,
  ToolResult,
} from "@evenkeel/core";

import { LimitsError } from "../errors.ts";
import { hideTools } from "../hide-tools.ts";
import { modelFacts } from "../model-facts.ts";
import type { Target } from "./circuits.ts";
import { isBlocked, openGuard } from "./guard.ts";
import type { Admitted, Blocked, Guard } from "./guard.ts";
import type { BreakerContext, BreakerOptions } from "./options.ts";
import { verdictOn, verdictOnError } from "./verdict.ts";

/** Calls a model without the tools whose breaker is open, and not at all where its own is. */
export async function breakModelCall(
  request: ModelRequest,
  handler: Handler<ModelRequest, ModelResult>,
  context: BreakerContext,
): Promise<ModelResult> {
  const { options } = context;
  const guard = await openGuard(context);
  const shown = hideTools(request, openTools(request, guard, options));
  if (!options.models) return handler(shown);
  const { model, provider } = modelFacts(request.model);
  const target: Target = ["model", provider ?? "", model ?? ""];
  const admitted = await guard.admit(target);
  if (isBlocked(admitted)) throw modelBlocked(admitted, model ?? provider, context);
  return judged(admitted, () => handler(shown), request.runtime.signal, context);
}

/** Calls a tool, or answers in its place while its breaker is open. */
export async function breakToolCall(
  request: ToolCallRequest,
  handler: Handler<ToolCallRequest, ToolResult>,
  context: BreakerContext,
): Promise<ToolResult> {
  const { name } = request.toolCall;
  // A tool that does not exist is the model's mistake.
  if (request.tool === undefined || !isGuarded(name, context.options)) return handler(request);
  const guard = await openGuard(context);
  const admitted = await guard.admit(["tool", name]);
  if (isBlocked(admitted)) return toolBlocked(request, admitted, context);
  return judged(admitted, () => handler(request), request.runtime.signal, context);
}

async function judged<Result>(
  admitted: Admitted,
  work: () => Promise<Result>,
  signal: AbortSignal | undefined,
  { options }: BreakerContext,
): Promise<Result> {
  const { failureClasses } = options;
  let result: Result;
  try {
    result = await work();
  } catch (error) {
    // Pauses too: a trial call that paused has to be given back.
    await admitted.settle(verdictOnError(error, signal, failureClasses));
    throw error;
  }
  await admitted.settle(verdictOn(result, failureClasses));
  return result;
}

function isGuarded(tool: string, { tools }: BreakerOptions): boolean {
  return tools === null || (tools !== false && tools.includes(tool));
}

function openTools(
  { tools }: ModelRequest,
  guard: Guard,
  options: BreakerOptions,
): ReadonlySet<string> {
  const names = tools.map((tool) => toolName(tool) ?? "");
  const open = names.filter(
    (name) => isGuarded(name, options) && guard.blocks(["tool", name]) !== undefined,
  );
  return new Set(open);
}

function toolBlocked(
  { toolCall }: ToolCallRequest,
  { failureClass, retryAfterMs }: Blocked,
  { live }: BreakerContext,
): ToolResult {
  const seconds = Math.ceil(retryAfterMs / 1_000);
  const wait = seconds > 0 ? `for ${seconds} s more` : "while it is being tried";
  return toolAnswer({
    toolCall,
    envelope: {
      v: 1,
      code: "breaker-open",
      message: `The tool "${toolCall.name}" has failed repeatedly (${failureClass}) and is left alone ${wait}. Nothing was done. Go on without it.`,
      retryable: true,
      safeToReplay: true,
      by: live.name,
      details: { tool: toolCall.name, failedBy: failureClass, retryAfterMs },
    },
  });
}

function modelBlocked(
  { retryAfterMs }: Blocked,
  model: string | null,
  { live }: BreakerContext,
): LimitsError {
  return new LimitsError({
    code: "breaker-open",
    middleware: live.name,
    message: `${live.name}: the model "${model ?? "without a name"}" has failed repeatedly and is left alone for ${Math.ceil(retryAfterMs / 1_000)} s more. Fall back to another one, or try again then.`,
    // Of the model, and a pause helps: what the code alone says is meant for tools.
    details: { model, retryAfterMs, failureClass: "infrastructure" },
  });
}
