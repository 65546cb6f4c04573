import { createHash } from "node:crypto";

import canonicalize from "canonicalize";

import { CoreError } from "../errors.ts";

/** Deeper values are refused, so that neither this walk nor the library's recursion meets the stack's end. */
const MAX_DEPTH = 500;

/** Built-ins that JSON would write as `{}` or as something else than what they are. */
const UNSPEAKABLE =
  /^\[object (?:(?:Weak)?(?:Map|Set)|WeakRef|Promise|RegExp|Error|String|Number|Boolean|BigInt|Symbol|(?:Shared)?ArrayBuffer|DataView|\w+Array|Generator|AsyncGenerator)\]$/;

/** With the `u` flag a paired surrogate is one code point, so only a lone one matches. */
const LONE_SURROGATE = /\p{Surrogate}/u;

type Path = (string | number)[];

function pathText(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    return /^[A-Za-z_$][\w$]{0,63}$/.test(step)
      ? `${text}.${step}`
      : `${text}[${JSON.stringify(step.slice(0, 64))}]`;
  }, "$");
}

function refuse(path: Path, what: string, cause?: unknown): never {
  const at = pathText(path.length > 12 ? path.slice(0, 12) : path);
  throw new CoreError({
    code: "not-canonical-json",
    message: `${at}${path.length > 12 ? "…" : ""} is ${what}. Canonical JSON holds null, booleans, finite numbers, well-formed strings, arrays and objects, at most ${MAX_DEPTH} deep.`,
    cause,
    details: { path: at, what },
  });
}

/** Copies to plain JSON, so that getters and `toJSON` are asked once and the library meets no surprise. */
function plain(value: unknown, path: Path, ancestors: Set<object>): unknown {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "string") {
    return LONE_SURROGATE.test(value) ? refuse(path, "a string with a lone surrogate") : value;
  }
  if (typeof value === "number") {
    return Number.isFinite(value) ? value : refuse(path, `the number ${value}`);
  }
  if (typeof value !== "object") return refuse(path, `of type ${typeof value}`);
  if (ancestors.has(value)) return refuse(path, "a circular reference");
  if (ancestors.size >= MAX_DEPTH) return refuse(path, `nested deeper than ${MAX_DEPTH}`);
  ancestors.add(value);
  const copy = plainObject(value, path, ancestors);
  ancestors.delete(value);
  return copy;
}

function plainObject(value: object, path: Path, ancestors: Set<object>): unknown {
  if (Array.isArray(value)) return plainArray(value, path, ancestors);
  const toJson = (value as { toJSON?: unknown }).toJSON;
  if (typeof toJson === "function") return plain(toJson.call(value), path, ancestors);
  const tag = Object.prototype.toString.call(value);
  if (UNSPEAKABLE.test(tag)) return refuse(path, `a ${tag.slice(8, -1)}`);
  // Without a prototype, a key named `__proto__` is a key like any other.
  const copy: Record<string, unknown> = Object.create(null);
  for (const key of Object.keys(value)) {
    const member: unknown = Reflect.get(value, key);
    if (member === undefined) continue;
    path.push(key);
    if (LONE_SURROGATE.test(key)) refuse(path, "a key with a lone surrogate");
    copy[key] = plain(member, path, ancestors);
    path.pop();
  }
  return copy;
}

function plainArray(value: readonly unknown[], path: Path, ancestors: Set<object>): unknown[] {
  return Array.from(value, (member, index) => {
    path.push(index);
    const copy = member === undefined ? null : plain(member, path, ancestors);
    path.pop();
    return copy;
  });
}

/**
 * The one JSON text of a value (RFC 8785): equal values give equal text, whatever the order of
 * their keys. What JSON cannot hold is refused as `not-canonical-json` with the path it sits at;
 * members that are `undefined` are left out, as JSON does.
 */
export function canonicalJson(value: unknown): string {
  const path: Path = [];
  let copy: unknown;
  try {
    copy = plain(value, path, new Set());
  } catch (error) {
    if (CoreError.isInstance(error, "not-canonical-json")) throw error;
    return refuse(path, "unreadable: a getter, a proxy or toJSON threw", error);
  }
  return canonicalize(copy) ?? refuse(path, "not a value JSON can write");
}

/** The SHA-256 of a text (as UTF-8) or of bytes, in lower-case hex. */
export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** The SHA-256 of a value's canonical JSON: equal values meet, all others part. */
export function hashJson(value: unknown): string {
  return sha256(canonicalJson(value));
}
