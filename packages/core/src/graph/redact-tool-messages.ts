import { ToolMessage } from "@langchain/core/messages";
import { Command, isCommand } from "@langchain/langgraph";

import { redactText } from "../redact/secret-text.ts";

/** Which messages of tools are masked on their way into the state. */
export type RedactedToolMessages = "none" | "errors" | "all";

/**
 * What a node gave, with the secrets in the texts of its tool messages masked. No call is run from
 * them, so nothing that is still to be done is changed; what is masked, no model and no later step sees.
 */
export function redactToolMessages(result: unknown, which: RedactedToolMessages): unknown {
  if (which === "none" || typeof result !== "object" || result === null) return result;
  if (ToolMessage.isInstance(result)) return redacted(result, which);
  if (Array.isArray(result)) return each(result, which);
  if (isCommand(result)) {
    const update = redactToolMessages(result.update, which);
    return update === result.update ? result : commandWith(result, update);
  }
  if (Object.getPrototypeOf(result) !== Object.prototype) return result;
  let changed = false;
  const entries = Object.entries(result).map(([channel, value]: [string, unknown]) => {
    const next =
      Array.isArray(value) || ToolMessage.isInstance(value)
        ? redactToolMessages(value, which)
        : value;
    changed ||= next !== value;
    return [channel, next] as const;
  });
  return changed ? Object.fromEntries(entries) : result;
}

function each(members: readonly unknown[], which: RedactedToolMessages): readonly unknown[] {
  const next = members.map((member) =>
    ToolMessage.isInstance(member) || isCommand(member) || Array.isArray(member)
      ? redactToolMessages(member, which)
      : member,
  );
  return next.some((member, index) => member !== members[index]) ? next : members;
}

function redacted(message: ToolMessage, which: RedactedToolMessages): ToolMessage {
  if (which === "errors" && message.status !== "error") return message;
  const { content } = message;
  const next = redactedContent(content);
  if (next === content) return message;
  // Field by field: what a message was made from lies in it as well, and is what is serialized.
  const { id, name, status, artifact } = message;
  return new ToolMessage({
    content: next,
    tool_call_id: message.tool_call_id,
    additional_kwargs: message.additional_kwargs,
    response_metadata: message.response_metadata,
    ...(id === undefined ? {} : { id }),
    ...(name === undefined ? {} : { name }),
    ...(status === undefined ? {} : { status }),
    ...(artifact === undefined ? {} : { artifact: artifact as unknown }),
    ...(message.metadata === undefined ? {} : { metadata: message.metadata }),
  });
}

/** The content itself where nothing in it is masked. */
function redactedContent(content: ToolMessage["content"]): ToolMessage["content"] {
  if (typeof content === "string") return redactText(content);
  const next = content.map((block) => {
    const { text } = block as { readonly text?: unknown };
    if (typeof text !== "string") return block;
    const masked = redactText(text);
    return masked === text ? block : { ...block, text: masked };
  });
  return next.every((block, index) => block === content[index]) ? content : next;
}

function commandWith(command: Command, update: unknown): Command {
  const { graph, goto, resume } = command;
  return new Command({ graph, goto, resume, update } as ConstructorParameters<typeof Command>[0]);
}
