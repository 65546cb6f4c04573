import type { EffectRecord, ToolResult } from "@evenkeel/core";
import {
  ToolMessage,
  isBaseMessage,
  mapChatMessagesToStoredMessages,
  mapStoredMessagesToChatMessages,
} from "@langchain/core/messages";
import type { BaseMessage, StoredMessage } from "@langchain/core/messages";
import { Command, Send, isCommand } from "@langchain/langgraph";

import { IdempotencyError } from "../errors.ts";

const MARK = "$evenkeel";
const MAX_DEPTH = 200;

/** What a ledger keeps of a tool's answer: plain JSON, in which messages, Commands and bytes are marked. */
export function recordResult(result: ToolResult, callId: string | undefined): unknown {
  return { v: 1, callId: callId ?? null, value: plain(result, 0) };
}

/** The answer that was recorded, for the call that asks now: whoever waits for the old id gets the new one. */
export function recordedResult(
  effect: EffectRecord,
  callId: string | undefined,
  middleware: string,
): ToolResult {
  const { result: kept, key } = effect;
  const unreadable = (why: string, cause?: unknown): IdempotencyError =>
    new IdempotencyError({
      code: "result-unreadable",
      middleware,
      message: `The recorded result of effect ${key} cannot be read: ${why}. The effect was done; nothing was run again.`,
      cause,
      details: { key },
    });
  if (!isRecord(kept) || kept["v"] !== 1) throw unreadable("it is of no known version");
  let value: unknown;
  try {
    value = revived(kept["value"], { from: kept["callId"], to: callId ?? "" });
  } catch (error) {
    throw unreadable("it holds no tool answer", error);
  }
  if (ToolMessage.isInstance(value) || isCommand(value)) return value;
  throw unreadable("it holds no tool answer");
}

/** A result's text or JSON, for people and for who looks an effect up. */
export function plainResult(effect: EffectRecord): unknown {
  if (effect.result === undefined || effect.result === null) return undefined;
  try {
    const result = recordedResult(effect, undefined, "");
    return ToolMessage.isInstance(result) ? result.content : { update: result.update };
  } catch {
    return undefined;
  }
}

/** Plain JSON of a value; what no JSON can hold is left out, as a checkpoint would. */
function plain(value: unknown, depth: number): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") {
    return Number.isFinite(value) ? value : { [MARK]: "number", text: String(value) };
  }
  if (typeof value === "bigint") return { [MARK]: "bigint", text: String(value) };
  if (typeof value !== "object") return { [MARK]: "undefined" };
  if (depth > MAX_DEPTH) return { [MARK]: "undefined" };
  const next = (inner: unknown): unknown => plain(inner, depth + 1);
  if (isBaseMessage(value)) {
    return { [MARK]: "message", message: next(storedMessage(value)) };
  }
  if (isCommand(value)) {
    const { update, resume, goto, graph } = value;
    return { [MARK]: "command", ...withoutUndefined({ update, resume, goto, graph }, next) };
  }
  if (value instanceof Send) {
    return { [MARK]: "send", node: value.node, args: next(value.args) };
  }
  if (value instanceof Uint8Array) {
    return { [MARK]: "bytes", base64: Buffer.from(value).toString("base64") };
  }
  if (value instanceof Date) return { [MARK]: "date", text: value.toJSON() };
  if (value instanceof Map) return { [MARK]: "map", entries: [...value].map(next) };
  if (value instanceof Set) return { [MARK]: "set", values: [...value].map(next) };
  if (Array.isArray(value)) return value.map(next);
  const { toJSON }: { toJSON?: unknown } = value;
  if (typeof toJSON === "function") return next(toJSON.call(value));
  const entries = withoutUndefined(value as Record<string, unknown>, next);
  return Object.hasOwn(entries, MARK)
    ? { [MARK]: "object", entries: Object.entries(entries) }
    : entries;
}

/** A message in LangChain's stored form, whose own copy of the parts makes empty objects of dates and bytes. */
function storedMessage(message: BaseMessage): unknown {
  const [stored] = mapChatMessagesToStoredMessages([message]);
  if (stored === undefined) return undefined;
  const parts = message as unknown as Readonly<Record<string, unknown>>;
  const data = Object.entries(stored.data).map(([name, copy]) => [name, parts[name] ?? copy]);
  return { ...stored, data: Object.fromEntries(data) as object };
}

function withoutUndefined(
  value: Record<string, unknown>,
  next: (inner: unknown) => unknown,
): Record<string, unknown> {
  const kept = Object.entries(value).filter(
    ([, inner]) => inner !== undefined && typeof inner !== "function" && typeof inner !== "symbol",
  );
  return Object.fromEntries(kept.map(([name, inner]) => [name, next(inner)]));
}

interface Ids {
  readonly from: unknown;
  readonly to: string;
}

function revived(value: unknown, ids: Ids): unknown {
  if (typeof value !== "object" || value === null) return value;
  const next = (inner: unknown): unknown => revived(inner, ids);
  if (Array.isArray(value)) return value.map(next);
  const marked = value as Record<string, unknown>;
  switch (marked[MARK]) {
    case undefined:
      return Object.fromEntries(Object.entries(marked).map(([name, inner]) => [name, next(inner)]));
    case "object":
      return Object.fromEntries(
        (marked["entries"] as [string, unknown][]).map(([name, inner]) => [name, next(inner)]),
      );
    case "message":
      return revivedMessage(next(marked["message"]) as StoredMessage, ids);
    case "command":
      return new Command(
        Object.fromEntries(
          ["update", "resume", "goto", "graph"]
            .filter((name) => Object.hasOwn(marked, name))
            .map((name) => [name, next(marked[name])]),
        ),
      );
    case "send":
      return new Send(String(marked["node"]), next(marked["args"]));
    case "bytes":
      return new Uint8Array(Buffer.from(String(marked["base64"]), "base64"));
    case "date":
      return new Date(String(marked["text"]));
    case "map":
      return new Map(
        (marked["entries"] as unknown[]).map((entry) => next(entry) as [unknown, unknown]),
      );
    case "set":
      return new Set((marked["values"] as unknown[]).map(next));
    case "bigint":
      return BigInt(String(marked["text"]));
    case "number":
      return Number(marked["text"]);
    default:
      return undefined;
  }
}

function revivedMessage(stored: StoredMessage, { from, to }: Ids): unknown {
  const [message] = mapStoredMessagesToChatMessages([stored]);
  if (ToolMessage.isInstance(message) && message.tool_call_id === from && to !== "") {
    message.tool_call_id = to;
  }
  return message;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
