import { isSecretKey, maskKnownSecrets, redact } from "@evenkeel/core";

/** True for an object written with braces, and for a class instance; false for a list and null. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A member of a record itself: no `constructor` of its prototype. */
export function ownMember(record: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/** The value as JSON would give it back; null where JSON cannot say it. */
export function asJson(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  // The longest values are texts, and are asked for with each call.
  if (typeof value === "string") return value;
  if (isRecord(value) && Object.keys(value).length === 0 && !("toJSON" in value)) return {};
  try {
    return JSON.parse(JSON.stringify(value) ?? "null") as unknown;
  } catch {
    return null;
  }
}

/** True where two JSON values are written alike, key order included: it reaches the wire. */
export function sameJson(one: unknown, other: unknown): boolean {
  if (one === other || ((one ?? null) === null && (other ?? null) === null)) return true;
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, at) => sameJson(item, other[at]));
  }
  if (!isRecord(one) || !isRecord(other)) return false;
  const keys = writtenKeys(one);
  const others = writtenKeys(other);
  return (
    keys.length === others.length &&
    keys.every((key, at) => key === others[at] && sameJson(one[key], other[key]))
  );
}

function writtenKeys(record: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(record).filter((key) => record[key] !== undefined);
}

/** The part of a record that may be stored: plain JSON that holds no secret. */
export function storablePart(
  record: Readonly<Record<string, unknown>>,
  unwanted: ReadonlySet<string>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).filter(
      ([key, value]) =>
        value !== undefined && !unwanted.has(key) && unstorablePaths({ [key]: value }).length === 0,
    ),
  );
}

/** A place in a value that must not be stored as it is. */
export interface Unstorable {
  /** Dotted path, for example `retry.apiKey`. */
  readonly path: string;
  readonly why: "looks like a secret" | "is no plain JSON";
}

/** Where a value holds what looks like a secret, or what JSON would not give back. */
export function unstorablePaths(value: unknown, path = "", above: object[] = []): Unstorable[] {
  const because = (why: Unstorable["why"]): Unstorable[] => [{ path, why }];
  if (value === null || value === undefined || typeof value === "boolean") return [];
  if (typeof value === "string") return holdsSecret(value) ? because("looks like a secret") : [];
  if (typeof value === "number") return Number.isFinite(value) ? [] : because("is no plain JSON");
  if (typeof value !== "object" || above.includes(value)) return because("is no plain JSON");
  const within = [...above, value];
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown, index) =>
      item === undefined
        ? [{ path: `${path}[${index}]`, why: "is no plain JSON" as const }]
        : unstorablePaths(item, `${path}[${index}]`, within),
    );
  }
  const prototype = Object.getPrototypeOf(value) as unknown;
  if (prototype !== Object.prototype && prototype !== null) return because("is no plain JSON");
  return Object.entries(value).flatMap(([key, item]: [string, unknown]) => {
    const at = path === "" ? key : `${path}.${key}`;
    const named = isSecretKey(key) && typeof item !== "boolean" && !isEmpty(item);
    return named
      ? [{ path: at, why: "looks like a secret" as const }]
      : unstorablePaths(item, at, within);
  });
}

/** The longest text of one line that is taken for a value, in characters; longer ones are prose. */
const VALUE_CHARACTERS = 200;

/** True for a text with a secret in it; prose that merely talks about passwords is none. */
function holdsSecret(text: string): boolean {
  if (maskKnownSecrets(text) !== text) return true;
  return text.length <= VALUE_CHARACTERS && !text.includes("\n") && redact(text) !== text;
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}
