import type { ModelRequest } from "@evenkeel/core";
import type { BaseMessage } from "@langchain/core/messages";
import { HumanMessage } from "@langchain/core/messages";

const MARK = "evenkeel_failure_context";

/**
 * The request with the context behind the conversation: what a provider has cached of system prompt
 * and messages stays a prefix of what it gets. One that is there already is replaced.
 */
export function addContext(request: ModelRequest, text: string): ModelRequest {
  const rest = request.messages.filter((message) => !isContext(message));
  const context = new HumanMessage({ content: text, additional_kwargs: { [MARK]: true } });
  return { ...request, messages: [...rest, context] };
}

function isContext({ additional_kwargs: kwargs }: BaseMessage): boolean {
  return kwargs[MARK] === true;
}
