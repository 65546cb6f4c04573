import { isSecretKey } from "./secret-keys.ts";
import { REDACTED, redactText } from "./secret-text.ts";

/** How much of a value {@link redact} keeps. */
export interface RedactOptions {
  /** Deepest level copied; what lies below becomes a marker. At most 100. @default 12 */
  maxDepth?: number;
  /** Characters kept of one string; the rest is counted. @default 2000 */
  maxString?: number;
  /** Members kept of one array, object, Map or Set; the rest is counted. @default 200 */
  maxMembers?: number;
  /** Values copied in all; the rest becomes a marker. @default 10000 */
  maxValues?: number;
  /** Characters copied in all; later strings are cut shorter. @default 200000 */
  maxCharacters?: number;
  /** True for further keys whose value is a secret, beside the built-in names. */
  isSecret?: (key: string) => boolean;
}

/** JSON without anything that could not be written as it stands. */
export type PlainJson =
  | null
  | boolean
  | number
  | string
  | PlainJson[]
  | { [key: string]: PlainJson };

interface Walk extends Required<RedactOptions> {
  ancestors: Set<object>;
}

/** Beyond what is kept, so much is looked at, so that no secret is cut in two before it is seen. */
const MARGIN = 16_384;

function cutText(text: string, walk: Walk): string {
  const limit = Math.max(0, Math.min(walk.maxString, walk.maxCharacters));
  const reach = limit + MARGIN;
  let seen = redactText(text.length > reach ? text.slice(0, reach) : text);
  if (text.length > reach && seen.length <= limit) {
    // Masking shrank the window below the limit: its last word may be a secret that was cut in two.
    let end = seen.length;
    while (end > 0 && !/\s/.test(seen.charAt(end - 1))) end -= 1;
    seen = seen.slice(0, end);
  }
  // A cut may halve a surrogate pair, and canonical JSON refuses lone ones.
  const kept = seen.slice(0, limit).replaceAll(/\p{Surrogate}/gu, "\ufffd");
  walk.maxCharacters -= kept.length;
  const whole = kept.length === seen.length && text.length <= reach;
  return whole ? kept : `${kept}… [${text.length} characters in all]`;
}

function copyPrimitive(value: unknown, walk: Walk): PlainJson {
  if (value === null || value === undefined) return null;
  if (typeof value === "string") return cutText(value, walk);
  if (typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "bigint") return cutText(value.toString(), walk);
  if (typeof value === "function") return cutText(`[function ${value.name || "anonymous"}]`, walk);
  return typeof value === "symbol" ? cutText(value.toString(), walk) : "[unreadable]";
}

function copy(value: unknown, walk: Walk): PlainJson {
  walk.maxValues -= 1;
  if (walk.maxValues < 0) return "[cut]";
  if (typeof value !== "object" || value === null) return copyPrimitive(value, walk);
  if (walk.ancestors.has(value)) return "[circular]";
  if (walk.ancestors.size >= walk.maxDepth) {
    return Array.isArray(value) ? `[array of ${value.length}]` : "[object]";
  }
  walk.ancestors.add(value);
  try {
    return copyObject(value, walk);
  } catch {
    // A getter, a proxy or a toJSON of someone else threw: evidence must not fail over it.
    return "[unreadable]";
  } finally {
    walk.ancestors.delete(value);
  }
}

function copyObject(value: object, walk: Walk): PlainJson {
  if (Array.isArray(value)) return copyList(value, value.length, walk);
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  if (value instanceof Error || tag === "Error") return copyEntries(errorEntries(value), walk);
  if (value instanceof Date)
    return Number.isNaN(value.getTime()) ? "[invalid date]" : value.toISOString();
  if (value instanceof RegExp || value instanceof URL) return cutText(String(value), walk);
  if (value instanceof Set) return copyList(value, value.size, walk);
  if (value instanceof Map) {
    const named = [...value.keys()].every((key) => typeof key === "string");
    return named ? copyEntries(value, walk) : copyList(value, value.size, walk);
  }
  if (value instanceof Headers || value instanceof URLSearchParams) return copyEntries(value, walk);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    return `[binary, ${value.byteLength} bytes]`;
  }
  const toJson: unknown = Reflect.get(value, "toJSON");
  if (typeof toJson === "function") {
    const written: unknown = toJson.call(value);
    return written === value ? copyEntries(Object.entries(value), walk) : copy(written, walk);
  }
  const entries = Object.entries(value);
  return entries.length === 0 && tag !== "Object" ? `[${tag}]` : copyEntries(entries, walk);
}

/** The stack is left out: it repeats the message and tells paths of the machine. */
function errorEntries(error: object): [string, unknown][] {
  const keys = new Set(["name", "message", ...Object.keys(error), "cause", "errors"]);
  keys.delete("stack");
  return [...keys].map((key) => [key, Reflect.get(error, key)]);
}

function copyList(members: Iterable<unknown>, size: number, walk: Walk): PlainJson[] {
  const list: PlainJson[] = [];
  for (const member of members) {
    if (list.length >= walk.maxMembers) {
      list.push(`[${size - walk.maxMembers} more]`);
      break;
    }
    list.push(copy(member, walk));
  }
  return list;
}

function copyEntries(entries: Iterable<[string, unknown]>, walk: Walk): PlainJson {
  const members = [...entries].filter(
    ([, member]) => member !== undefined && typeof member !== "symbol",
  );
  // `{ name: "Authorization", value: "…" }` is a header written as two members.
  const title = members.find(([key]) => key === "name" || key === "key")?.[1];
  const valueIsSecret = typeof title === "string" && isSecret(title, walk);
  const kept = members.slice(0, walk.maxMembers).map(([key, member]): [string, PlainJson] => {
    const secret = isSecret(key, walk) || (valueIsSecret && key === "value");
    return [redactText(key.slice(0, 200)), secret ? mask(member) : copy(member, walk)];
  });
  if (members.length > kept.length) kept.push(["[more]", members.length - kept.length]);
  return Object.fromEntries(kept);
}

function isSecret(key: string, walk: Walk): boolean {
  return isSecretKey(key) || walk.isSecret(key);
}

/** Whether a secret is there at all stays visible; what it is does not. */
function mask(value: unknown): PlainJson {
  if (value === null || typeof value === "boolean") return value;
  return value === "" ? "" : REDACTED;
}

/**
 * A bounded, JSON-safe copy of any value with its secrets masked: by the name of the key, by the
 * form of the text. Cycles, Errors, Maps, dates, functions, binary and unreadable members become
 * something JSON can hold; the value itself is never changed.
 */
export function redact(value: unknown, options: RedactOptions = {}): PlainJson {
  const {
    maxDepth = 12,
    maxString = 2_000,
    maxMembers = 200,
    maxValues = 10_000,
    maxCharacters = 200_000,
    isSecret: isSecretToo = () => false,
  } = options;
  return copy(value, {
    maxDepth: Math.min(maxDepth, 100),
    maxString,
    maxMembers,
    maxValues,
    maxCharacters,
    isSecret: isSecretToo,
    ancestors: new Set(),
  });
}
