import { readEnvelope, redact, redactText } from "@evenkeel/core";
import type { HeadState } from "@evenkeel/core";
import type { BaseMessage } from "@langchain/core/messages";
import { AIMessage, HumanMessage, ToolMessage, isBaseMessage } from "@langchain/core/messages";

import { cutText } from "./cut-text.ts";
import type { CallRecord } from "./report.ts";

/** What a hook saw of a call of this process, before anything is cut. */
export interface SeenCall {
  readonly id: string;
  readonly tool: string;
  readonly args: unknown;
  status: CallRecord["status"];
  result: unknown;
}

interface SequenceOptions {
  readonly maxResultChars: number;
  readonly effectTools: readonly string[];
}

/** Characters looked at of one result before it is redacted: an error may hold megabytes. */
const LOOKED_AT = 50_000;

/**
 * The calls of an attempt in order: those the conversation holds since the user last spoke, whoever
 * made them, and those this process saw that never got as far.
 */
export function callSequence(
  messages: readonly BaseMessage[],
  seen: readonly SeenCall[],
  options: SequenceOptions,
): CallRecord[] {
  const answers = new Map<string, ToolMessage>();
  for (const message of messages) {
    if (ToolMessage.isInstance(message)) answers.set(message.tool_call_id, message);
  }
  const witnessed = new Map(seen.map((call) => [call.id, call]));
  const asked = sinceUser(messages).flatMap((message) =>
    AIMessage.isInstance(message) ? (message.tool_calls ?? []) : [],
  );
  const known = new Set(asked.map(({ id }) => id));
  const told = asked.map(({ id = "", name, args }) =>
    recordOf(witnessed.get(id) ?? { id, tool: name, args, status: "unknown", result: "" }, {
      answer: answers.get(id),
      options,
    }),
  );
  const others = seen.filter(({ id }) => !known.has(id));
  return [
    ...told,
    ...others.map((call) => recordOf(call, { answer: answers.get(call.id), options })),
  ];
}

/** The message list of a thread with what finished tasks have written beside its checkpoint. */
export function messagesOf(head: HeadState | undefined, key: string): BaseMessage[] {
  const held = head?.values[key];
  const written = (head?.pending ?? []).flatMap(([channel, value]) =>
    channel === key ? [value].flat() : [],
  );
  const all: unknown[] = [...(Array.isArray(held) ? (held as unknown[]) : []), ...written];
  return all.filter((message) => isBaseMessage(message));
}

function sinceUser(messages: readonly BaseMessage[]): readonly BaseMessage[] {
  return messages.slice(messages.findLastIndex((message) => HumanMessage.isInstance(message)) + 1);
}

function recordOf(
  call: SeenCall,
  { answer, options }: { answer: ToolMessage | undefined; options: SequenceOptions },
): CallRecord {
  const { maxResultChars, effectTools } = options;
  const failed =
    answer === undefined ? call.status : answer.status === "error" ? "error" : "success";
  const result = answer === undefined ? call.result : answer.content;
  const code = answer === undefined ? undefined : readEnvelope(answer)?.code;
  return {
    id: call.id,
    tool: redactText(call.tool.slice(0, 200)),
    args: cutText(JSON.stringify(redact(call.args, { maxString: LOOKED_AT })), maxResultChars),
    status: failed,
    result: cutText(textOf(result), maxResultChars),
    stands:
      failed === "success" &&
      (effectTools.includes(call.tool) || code?.startsWith("effect-") === true),
  };
}

/** Plain words of a result or error; JSON of anything else, with its secrets masked either way. */
export function textOf(value: unknown): string {
  if (value === undefined) return "";
  if (value instanceof Error) {
    const { name, message } = value;
    return masked(`${name}: ${message}`);
  }
  if (typeof value !== "string") return JSON.stringify(redact(value, { maxString: LOOKED_AT }));
  const json = /^\s*[[{]/.test(value) && value.length <= LOOKED_AT ? parsed(value) : undefined;
  return json === undefined
    ? masked(value)
    : JSON.stringify(redact(json, { maxString: LOOKED_AT }));
}

/** Cut by core, which lets no secret be cut in two before it is seen. */
function masked(text: string): string {
  return redact(text, { maxString: LOOKED_AT }) as string;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
