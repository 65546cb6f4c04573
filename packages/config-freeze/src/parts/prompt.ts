import { maskKnownSecrets } from "@evenkeel/core";
import type { ModelRequest } from "@evenkeel/core";
import { SystemMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";

import type { SiteManifest } from "../manifest/shape.ts";
import { asJson } from "../plain-json.ts";

/** The system messages a request begins with, as they are recorded. */
export type FrozenPrompt = NonNullable<SiteManifest["prompt"]>;

/** Describes the system messages a request begins with. */
export function describePrompt(request: ModelRequest): FrozenPrompt {
  return leading(request).map((message) => ({
    content: asJson(message.content),
    name: message.name ?? null,
    // The role "developer" of some providers is said here.
    kwargs: asJson(message.additional_kwargs) as Record<string, unknown>,
  }));
}

/** Texts that were looked at and held no secret: most calls say what the last one said. */
const harmless = new Set<string>();
const KEPT_TEXTS = 50;
const KEPT_CHARACTERS = 100_000;

/** True for a prompt with what can only be a secret: such a one is never stored. */
export function holdsPlantedSecret(prompt: FrozenPrompt): boolean {
  return prompt.some(({ content }) => {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    if (harmless.has(text)) return false;
    if (maskKnownSecrets(text) !== text) return true;
    if (harmless.size >= KEPT_TEXTS) harmless.clear();
    if (text.length <= KEPT_CHARACTERS) harmless.add(text);
    return false;
  });
}

/** The request with the frozen system messages in place of the live ones it begins with. */
export function withPrompt(request: ModelRequest, prompt: FrozenPrompt): ModelRequest {
  const count = leading(request).length - (isThere(request.systemMessage) ? 1 : 0);
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
  return isThere(systemMessage) ? [systemMessage, ...inList] : [...inList];
}

// The seam has an empty message where a request has none, and makes no message of an empty text.
function isThere(message: SystemMessage | undefined): message is SystemMessage {
  // A message's own way to its text is through content blocks, whatever it holds.
  return typeof message?.content === "string"
    ? message.content !== ""
    : (message?.text ?? "") !== "";
}

function revive({ content, name, kwargs }: FrozenPrompt[number]): SystemMessage {
  return new SystemMessage({
    content: content as string,
    additional_kwargs: kwargs,
    ...(name === null ? {} : { name }),
  });
}
