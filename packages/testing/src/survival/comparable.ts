import { isBaseMessage } from "@langchain/core/messages";
import type { StoredMessage } from "@langchain/core/messages";

/**
 * A state as JSON that two equal runs share: messages without their ids and what the provider adds
 * by the call, calls of tools numbered, generated ids and times masked.
 */
export function comparable(value: unknown): unknown {
  const numbers = new Map<string, string>();
  const numbered = (kind: string, id: string): string => {
    const known = numbers.get(id) ?? `<${kind} ${numbers.size + 1}>`;
    numbers.set(id, known);
    return known;
  };

  function plain(part: unknown): unknown {
    if (typeof part === "string") return masked(part);
    if (typeof part === "bigint") return String(part);
    if (typeof part !== "object" || part === null) return part;
    if (Array.isArray(part)) return part.map(plain);
    if (part instanceof Date) return "<time>";
    if (part instanceof Map) return plain([...part]);
    if (part instanceof Set) return plain([...part]);
    if (isBaseMessage(part)) {
      const { type, data } = part.toDict();
      return { type, ...(plain(withoutProvider(data)) as object) };
    }
    const entries = Object.entries(part).filter(([, field]) => field !== undefined);
    return Object.fromEntries(
      entries.map(([key, field]) => [
        key,
        isCallId(key, part) ? numbered("call", String(field)) : plain(field),
      ]),
    );
  }

  const masked = (text: string): string =>
    text
      .replaceAll(ISO_TIME, "<time>")
      .replaceAll(GENERATED_ID, (id) => numbers.get(id) ?? numbered("id", id));

  return plain(value);
}

const ISO_TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g;
const GENERATED_ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

function isCallId(key: string, owner: object): boolean {
  if (key === "tool_call_id") return true;
  return key === "id" && "args" in owner && "name" in owner;
}

// By the call, not by the conversation; `tool_calls` among the additional ones are a copy of those
// in the message, under the ids the provider gave them.
const PROVIDER = new Set(["id", "response_metadata", "usage_metadata"]);

function withoutProvider({
  additional_kwargs: additional,
  ...data
}: StoredMessage["data"]): object {
  const kept = Object.entries(data).filter(([key]) => !PROVIDER.has(key));
  const more = Object.entries(additional ?? {}).filter(([key]) => key !== "tool_calls");
  return {
    ...Object.fromEntries(kept),
    ...(more.length === 0 ? {} : { additional_kwargs: Object.fromEntries(more) }),
  };
}

/** Where two comparable states differ, as `messages[2].content: "a", not "b"`. */
export function differences(expected: unknown, came: unknown, path = ""): string[] {
  if (Object.is(expected, came)) return [];
  if (
    !isContainer(expected) ||
    !isContainer(came) ||
    Array.isArray(expected) !== Array.isArray(came)
  ) {
    return [`${path || "the state"}: ${show(came)}, not ${show(expected)}`];
  }
  const keys = new Set([...Object.keys(expected), ...Object.keys(came)]);
  return [...keys].flatMap((key) => {
    const inner = Array.isArray(expected)
      ? `${path}[${key}]`
      : path === ""
        ? key
        : `${path}.${key}`;
    return differences(expected[key], came[key], inner);
  });
}

function isContainer(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function show(value: unknown): string {
  if (value === undefined) return "missing";
  const text = JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}
