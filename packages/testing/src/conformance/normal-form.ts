import { isBaseMessage } from "@langchain/core/messages";

/**
 * A value as text that two equal runs share: messages as plain data, keys in order, and what differs
 * by chance (generated ids, hashes over them, times, stack frames) replaced by the order in which it
 * first appears.
 */
export function normalForm(value: unknown): string {
  const names = new Map<string, string>();
  const numbered = (id: string): string => {
    const known = names.get(id) ?? `#${names.size + 1}`;
    names.set(id, known);
    return known;
  };
  return JSON.stringify(plain(value, []), undefined, 1)
    .replaceAll(STACK_FRAME, "")
    .replaceAll(ISO_TIME, "<time>")
    .replaceAll(EPOCH_MS, "<time>")
    .replaceAll(GENERATED_ID, numbered);
}

const STACK_FRAME = /\\n\s+at [^\\"]*/g;
const ISO_TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;
const EPOCH_MS = /(?<![\w.-])1[6-9]\d{11}(?![\w.])/g;
const GENERATED_ID =
  /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?<![0-9a-f])[0-9a-f]{32,64}(?![0-9a-f])/g;

/** Plain data of any value: messages by their data, classes by their fields, functions by name. */
function plain(value: unknown, above: readonly object[]): unknown {
  if (typeof value === "function") return `<function ${value.name}>`;
  if (typeof value === "bigint" || typeof value === "symbol") return `<${String(value)}>`;
  if (value === undefined) return "<undefined>";
  if (typeof value !== "object" || value === null) return value;
  if (above.includes(value)) return "<cycle>";
  const inside = [...above, value];
  if (isBaseMessage(value)) return plain(value.toDict(), inside);
  if (Array.isArray(value)) return value.map((item) => plain(item, inside));
  if (value instanceof Map) return { "<map>": plain([...value], inside) };
  if (value instanceof Set) return { "<set>": plain([...value], inside) };
  if (value instanceof Error) return `<${value.name}: ${value.message}>`;
  if (value instanceof Date) return value.toISOString();
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, field]) => [key, plain(field, inside)]),
  );
}

/** The first lines in which two normal forms differ, for a failure message. */
export function firstDifference(expected: string, came: string): string {
  const wanted = expected.split("\n");
  const found = came.split("\n");
  const index = wanted.findIndex((line, at) => line !== found[at]);
  const at = index === -1 ? wanted.length : index;
  const show = (lines: readonly string[]): string =>
    lines
      .slice(Math.max(0, at - 1), at + 2)
      .map((line) => line.trim())
      .join(" ")
      .slice(0, 240);
  return `expected … ${show(wanted)} … and ${show(found) || "nothing"} … came`;
}
