import { ENVELOPE_KEY, toolName } from "@evenkeel/core";
import type { Envelope, ModelRequest, ModelResult } from "@evenkeel/core";
import { AIMessage, HumanMessage } from "@langchain/core/messages";

import { LimitsError } from "../errors.ts";
import { withoutAnyTool } from "../hide-tools.ts";
import { modelFacts } from "../model-facts.ts";
import { useInWords } from "./limits.ts";
import type { Use } from "./limits.ts";

/** The request by which a model answers from what it has: no tools, and a last word that says why. */
export function answeringRequest(request: ModelRequest, use: Use): ModelRequest {
  const note = new HumanMessage(
    `[The budget of this run is used up (${useInWords(use)}). No more tools can be called. Answer now, from what is known so far, and say what is missing.]`,
  );
  const messages = [...request.messages, note];
  if (request.tools.length === 0) return { ...request, messages };
  const { provider } = modelFacts(request.model);
  // These refuse a history of tool calls without definitions of tools.
  const needsTools = provider !== null && /anthropic|bedrock/i.test(provider);
  return needsTools
    ? { ...request, messages, toolChoice: "none" }
    : { ...withoutAnyTool(request), messages };
}

/** An answer without calls of the tools that were taken away: nobody would answer them. */
export function withoutCalls(result: ModelResult, request: ModelRequest, use: Use): ModelResult {
  if (!AIMessage.isInstance(result) || (result.tool_calls ?? []).length === 0) return result;
  const taken = new Set(request.tools.map(toolName));
  const calls = (result.tool_calls ?? []).filter(({ name }) => !taken.has(name));
  if (calls.length > 0 && request.responseFormat !== undefined) return result;
  const { tool_calls: _calls, ...kwargs } = result.additional_kwargs;
  const content =
    typeof result.content === "string"
      ? result.content
      : result.content.filter(({ type }) => type !== "tool_use" && type !== "tool_call");
  const says = new AIMessage({ content: content as string }).text.trim() !== "";
  return new AIMessage({
    content: says ? content : closingWords(use),
    additional_kwargs: kwargs,
    response_metadata: result.response_metadata,
    ...(result.id === undefined ? {} : { id: result.id }),
    ...(result.usage_metadata === undefined ? {} : { usage_metadata: result.usage_metadata }),
  });
}

/** The answer a run ends with where the model is not asked any more. */
export function closingMessage(use: Use, by: string): AIMessage {
  const envelope = exhaustedEnvelope(use, by, closingWords(use));
  return new AIMessage({
    content: envelope.message,
    additional_kwargs: { [ENVELOPE_KEY]: envelope },
  });
}

/** The error a run ends with. */
export function exhaustedError(use: Use, by: string, cause?: unknown): LimitsError {
  const { limit, spent, allowed, tool } = use;
  return new LimitsError({
    code: "budget-exhausted",
    middleware: by,
    message: `${by}: the budget ${limit} is used up (${useInWords(use)}). Raise it once it is known what used it up, or choose another \`exitBehavior\`.`,
    cause,
    details: { limit, spent, allowed, ...(tool === null ? {} : { tool }) },
  });
}

/** What machines read of a call that was answered instead of made. */
export function exhaustedEnvelope(use: Use, by: string, message: string): Envelope {
  const { limit, spent, allowed, tool } = use;
  return {
    v: 1,
    code: "budget-exhausted",
    message,
    retryable: false,
    safeToReplay: true,
    by,
    details: {
      limit,
      spent,
      allowed,
      ...(tool === null ? {} : { tool, failureClass: "tool-exhaustion" }),
    },
  };
}

function closingWords(use: Use): string {
  return `The budget of this run is used up (${useInWords(use)}), so it ends here without a full answer.`;
}
