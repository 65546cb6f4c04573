import type { ModelRequest } from "@evenkeel/core";
import { SystemMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";

import type { SiteManifest } from "./manifest.ts";

type FrozenPrompt = SiteManifest["prompt"];

/** The system messages a request begins with, as they are recorded. */
export function describePrompt(request: ModelRequest): FrozenPrompt {
  return leading(request).map((message) => ({
    content: message.content as unknown,
    name: message.name ?? null,
  }));
}

/** The request with the frozen system messages in place of the live ones it begins with. */
export function withPrompt(request: ModelRequest, prompt: FrozenPrompt): ModelRequest {
  const count = leading(request).length - (hasText(request.systemMessage) ? 1 : 0);
  const conversation = request.messages.slice(count);
  const [first, ...rest] = prompt.map(revive);
  const systemMessage = first ?? new SystemMessage("");
  // Not the prompt's text as well: LangChain refuses a request in which both have changed.
  return {
    ...request,
    systemMessage,
    messages: rest.length === 0 ? conversation : [...rest, ...conversation],
  };
}

function leading({ systemMessage, messages }: ModelRequest): BaseMessage[] {
  const end = messages.findIndex((message) => !SystemMessage.isInstance(message));
  const inList = end === -1 ? messages : messages.slice(0, end);
  return hasText(systemMessage) ? [systemMessage, ...inList] : [...inList];
}

function hasText(message: SystemMessage): boolean {
  return message.text !== "";
}

function revive({ content, name }: FrozenPrompt[number]): SystemMessage {
  return new SystemMessage({
    content: content as string,
    ...(name === null ? {} : { name }),
  });
}
