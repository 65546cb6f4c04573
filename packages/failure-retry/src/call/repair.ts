import { classifyFailure, redactText } from "@evenkeel/core";
import type { ToolCallRequest } from "@evenkeel/core";
import type { BaseMessage } from "@langchain/core/messages";
import { AIMessage, ToolMessage } from "@langchain/core/messages";
import { toJsonSchema } from "@langchain/core/utils/json_schema";

import { offeredIn, repairsIn } from "../attempt/run-memory.ts";
import { cutText } from "../context/cut-text.ts";
import { FailureRetryError } from "../errors.ts";
import { CHANNEL } from "../options.ts";
import type { RetryContext } from "../options.ts";

/** What is wrong with a call of a tool, in words for the model. */
export interface Complaint {
  readonly code: "invalid-arguments" | "unknown-tool";
  readonly message: string;
  readonly cause: unknown;
}

const SCHEMA_CHARS = 1_500;
const NAMES = 50;

/** The complaint about a call that cannot be made as it was asked for; undefined for any other error. */
export function complaintOf(
  error: unknown,
  { tool, toolCall }: ToolCallRequest,
  { memory }: RetryContext,
): Complaint | undefined {
  if (tool === undefined) {
    const { names } = offeredIn(memory);
    const valid = names.slice(0, NAMES).join(", ");
    const others = valid === "" ? "" : ` There are: ${valid}.`;
    return {
      code: "unknown-tool",
      message: `There is no tool "${toolCall.name.slice(0, 100)}".${others}`,
      cause: error,
    };
  }
  const { rule, message } = classifyFailure(error);
  if (rule !== "tool-arguments") return undefined;
  const schema = schemaOf(tool);
  return {
    code: "invalid-arguments",
    message: `The arguments of "${toolCall.name}" do not fit: ${message}${schema === "" ? "" : `\nIts schema: ${schema}`}`,
    cause: error,
  };
}

/** What the checkpoint keeps of a repair: what the model is told beside the tool node's own words. */
interface Repair {
  readonly v: 1;
  readonly attempt: number;
  readonly note: string;
}

/**
 * Counts a call that goes back to the model, and keeps what the model is told of it; one too many
 * is a failure of the attempt.
 */
export function noteRepair(id: string, complaint: Complaint, context: RetryContext): void {
  const { state, memory, execution, options, live } = context;
  const made = repairsIn(memory);
  const before = Object.entries(state.read(CHANNEL))
    .filter(([key, held]) => isRepair(key) && (held as Repair).attempt === execution.attempt)
    .map(([key]) => key.slice(PREFIX.length));
  const all = new Set([...before, ...made]);
  if (!all.has(id) && all.size >= options.maxRepairs) {
    throw new FailureRetryError({
      code: "repairs-exhausted",
      middleware: live.name,
      message: `${complaint.message} That went back to the model ${all.size} times in attempt ${execution.attempt}; ${options.maxRepairs} are allowed.`,
      cause: complaint.cause,
      details: { failureClass: CLASSES[complaint.code] },
    });
  }
  made.add(id);
  const held: Repair = { v: 1, attempt: execution.attempt, note: redactText(complaint.message) };
  state.write(CHANNEL, { [`${PREFIX}${id}`]: held });
}

/** What the model is told of the calls it made last that went back to it. */
export function repairNotes(
  messages: readonly BaseMessage[],
  entries: Readonly<Record<string, unknown>>,
): string[] {
  const last = messages.slice(messages.findLastIndex((message) => AIMessage.isInstance(message)));
  return last.flatMap((message) => {
    if (!ToolMessage.isInstance(message)) return [];
    const held = entries[`${PREFIX}${message.tool_call_id}`] as Repair | undefined;
    return held === undefined ? [] : [held.note];
  });
}

/** What follows a complaint: no silent prose instead of a call. */
export const ASK = "Call a tool so that it fits, or say in words that you give up and why.";

const PREFIX = "repair:";

function isRepair(key: string): boolean {
  return key.startsWith(PREFIX);
}

const CLASSES = {
  "invalid-arguments": "contract-violation",
  "unknown-tool": "model-hallucination",
} as const;

function schemaOf(tool: unknown): string {
  const schema = (tool as { schema?: unknown } | null)?.schema;
  if (schema === undefined) return "";
  try {
    return cutText(JSON.stringify(toJsonSchema(schema as never)), SCHEMA_CHARS);
  } catch {
    // A schema of a library LangChain cannot write down: the complaint itself says enough.
    return "";
  }
}
