import { sha256 } from "./canonical-json.ts";

const MAXIMUM_DEPTH = 12;

/**
 * Options as they are recorded in a manifest: plain JSON, with a function replaced by its name and
 * the hash of its source (drift can be seen, behaviour cannot be frozen) and any other object that
 * is not plain by its class.
 */
export function recordOptions(options: object): Readonly<Record<string, unknown>> {
  return Object.freeze(record(options, 0) as Record<string, unknown>);
}

function record(value: unknown, depth: number): unknown {
  if (typeof value === "function") {
    return { "~function": value.name, source: sha256(Function.prototype.toString.call(value)) };
  }
  if (typeof value === "bigint") return { "~bigint": value.toString() };
  if (typeof value === "number" && !Number.isFinite(value)) return { "~number": String(value) };
  if (value instanceof RegExp) return { "~regexp": String(value) };
  if (typeof value !== "object" || value === null) return value === undefined ? null : value;
  if (depth >= MAXIMUM_DEPTH) return { "~deep": true };
  if (Array.isArray(value)) return value.map((item) => record(item, depth + 1));
  const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: string } } | null;
  if (prototype !== Object.prototype && prototype !== null) {
    return { "~object": prototype.constructor?.name ?? "object" };
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined && typeof item !== "symbol")
      .map(([key, item]) => [key, record(item, depth + 1)]),
  );
}
