import type { Handler, ToolCallRequest, ToolResult } from "@evenkeel/core";
import { ToolMessage } from "@langchain/core/messages";
import { isCommand } from "@langchain/langgraph";
import type { Command } from "@langchain/langgraph";

import { isReadingTool, whileReading } from "../reading/tools.ts";
import { offloadMessage } from "./offload-message.ts";
import { resolveReferences } from "./resolve-references.ts";
import { openScope, readingContext } from "./scope.ts";
import type { OffloadContext, OffloadScope } from "./scope.ts";

/** Makes one call of a tool, and keeps what is large of its answer before anybody else sees it. */
export async function offloadToolCall(
  request: ToolCallRequest,
  handler: Handler<ToolCallRequest, ToolResult>,
  context: OffloadContext,
): Promise<ToolResult> {
  const scope = openScope(request.runtime, context);
  if (isReadingTool(request.tool)) {
    return whileReading(await readingContext(scope), () => handler(request));
  }
  const resolved = await resolveReferences(request, scope);
  if (ToolMessage.isInstance(resolved)) return resolved;
  const result = await handler(resolved);
  if (ToolMessage.isInstance(result)) return offloadMessage(result, scope, "tool");
  return isCommand(result) ? offloadCommand(result, scope) : result;
}

async function offloadCommand(command: Command, scope: OffloadScope): Promise<Command> {
  const update: unknown = command.update;
  const changed = Array.isArray(update)
    ? await offloadPairs(update as unknown[], scope)
    : await offloadRecord(update, scope);
  if (changed === update) return command;
  // A clone of whatever class of Command it is: two copies of LangGraph may be installed.
  const clone = Object.create(Object.getPrototypeOf(command) as object) as Command;
  return Object.assign(clone, command, { update: changed });
}

async function offloadRecord(update: unknown, scope: OffloadScope): Promise<unknown> {
  if (typeof update !== "object" || update === null) return update;
  const { messages } = update as { messages?: unknown };
  const changed = await offloadMessages(messages, scope);
  return changed === messages ? update : { ...update, messages: changed };
}

/** An update may also come as a list of channel and value. */
async function offloadPairs(update: unknown[], scope: OffloadScope): Promise<unknown[]> {
  const pairs: unknown[] = [];
  for (const pair of update) {
    const [channel, value] = Array.isArray(pair) ? (pair as unknown[]) : [];
    const changed = channel === "messages" ? await offloadMessages(value, scope) : value;
    pairs.push(changed === value ? pair : [channel, changed]);
  }
  return pairs.every((pair, position) => pair === update[position]) ? update : pairs;
}

async function offloadMessages(messages: unknown, scope: OffloadScope): Promise<unknown> {
  if (ToolMessage.isInstance(messages)) return offloadMessage(messages, scope, "tool");
  if (!Array.isArray(messages)) return messages;
  const list: unknown[] = [];
  for (const message of messages as unknown[]) {
    const large = ToolMessage.isInstance(message);
    list.push(large ? await offloadMessage(message, scope, "tool") : message);
  }
  return list.every((message, position) => message === (messages as unknown[])[position])
    ? messages
    : list;
}
