import { counted, cutText, figure } from "../cut.ts";
import type { Renderer } from "../fit.ts";
import type { Sample } from "../sample.ts";
import { outlineJson } from "./outline.ts";
import type { JsonOutline, JsonType, Outline, Range } from "./outline.ts";

const MAX_EXAMPLE = 60;
const MAX_KEY = 60;
const MAX_KEYS_LINE = 300;
const DICTIONARY_KEYS = 12;
const LONG_LIST = 5;

/** JSON: its shape with types and counts, one example a key, the first and last elements of its longest list. */
export function previewJson(sample: Sample): Renderer {
  const outline = outlineJson(sample.head);
  return (budget) => shapeAndEnds(sample, outline, budget);
}

function shapeAndEnds(sample: Sample, outline: JsonOutline, budget: number): string {
  const text = sample.head;
  const { root, values, unfinished, problemAt } = outline;
  const list = longestList(root);
  const lines: string[] = [];
  const partial = !sample.complete && unfinished ? "at least " : "";
  if (values > 1 || (values === 1 && unfinished)) {
    lines.push(`${partial}${counted(values, "JSON value")}, one behind the other; together:`);
  }
  let left = budget * 0.6;
  for (const line of shapeLines(text, root, { name: "", indent: "", partial, siblings: 0 })) {
    left -= line.length + 1;
    if (left < 0) {
      lines.push("… (more keys not shown)");
      break;
    }
    lines.push(line);
  }
  if (problemAt !== undefined) lines.push(`not JSON from character ${figure(problemAt)} on`);
  else if (sample.complete && unfinished) lines.push("it breaks off before its end");
  const shown = Math.floor(budget * 0.15);
  if (list !== undefined && (list === root || list.longest >= LONG_LIST)) {
    const name = list === root ? "the list" : "the longest list";
    lines.push(...element(text, `first element of ${name}`, list.first, shown));
    lines.push(...element(text, `last element of ${name}`, list.last, shown));
  }
  if (!sample.complete) lines.push(`it ends with: ${oneLine(sample.tail.slice(-shown))}`);
  return lines.join("\n");
}

function* shapeLines(
  text: string,
  outline: Outline,
  {
    name,
    indent,
    partial,
    siblings,
  }: { name: string; indent: string; partial: string; siblings: number },
): Generator<string> {
  const total = [...outline.types.values()].reduce((sum, count) => sum + count, 0);
  const types = [...outline.types].map(([type, count]) => {
    const share = outline.types.size > 1 ? ` (${figure(count)})` : "";
    return sized(type, outline, partial, count > 1) + share;
  });
  const optional = siblings > total ? ` (in ${figure(total)} of ${figure(siblings)})` : "";
  const example =
    outline.example === undefined
      ? ""
      : `, e.g. ${cutText(oneLine(text.slice(...outline.example)), MAX_EXAMPLE)}`;
  const label = name === "" ? "" : `${cutText(oneLine(name), MAX_KEY)}: `;
  yield `${indent}${label}${types.join(" or ")}${optional}${example}`;
  const inner = { indent: `${indent}  `, partial };
  const siblingsOfKeys = outline.types.get("object") ?? 0;
  const keys = [...outline.keys];
  const [, firstChild] = keys[0] ?? [];
  if (firstChild !== undefined && isDictionary(outline)) {
    yield `${inner.indent}keys: ${cutText(keys.map(([key]) => oneLine(key)).join(", "), MAX_KEYS_LINE)}`;
    yield* shapeLines(text, firstChild, { ...inner, name: "the first", siblings: 0 });
  } else {
    for (const [key, child] of keys) {
      yield* shapeLines(text, child, { ...inner, name: key, siblings: siblingsOfKeys });
    }
    if (outline.mostKeys > keys.length) yield `${inner.indent}… (more keys)`;
  }
  if (outline.items !== undefined) {
    yield* shapeLines(text, outline.items, { ...inner, name: "each", siblings: 0 });
  }
}

function sized(type: JsonType, outline: Outline, partial: string, several: boolean): string {
  if (type === "array") return `array of ${several ? "up to " : partial}${figure(outline.longest)}`;
  if (type === "object" && outline.mostKeys > 1) {
    return `object of ${several ? "up to " : partial}${figure(outline.mostKeys)} keys`;
  }
  return type;
}

// Many keys that each hold an object are names of things, not parts of one thing.
function isDictionary(outline: Outline): boolean {
  if (outline.keys.size < DICTIONARY_KEYS) return false;
  const nested = [...outline.keys.values()].filter((child) => child.types.has("object"));
  return nested.length >= outline.keys.size * 0.8;
}

// The list a reader most likely came for: the longest, and of equals the outermost.
function longestList(root: Outline): Outline | undefined {
  let best: Outline | undefined;
  const queue = [root];
  for (const outline of queue) {
    if (outline.longest > (best?.longest ?? 0)) best = outline;
    queue.push(...outline.keys.values());
    if (outline.items !== undefined) queue.push(outline.items);
  }
  return best;
}

function element(text: string, title: string, range: Range | undefined, max: number): string[] {
  if (range === undefined) return [];
  const [start, end] = range;
  // Only what can be shown is looked at: an element may itself be a hundred megabytes.
  const value = oneLine(text.slice(start, Math.min(end, start + max * 2)));
  const missing = end - start > max * 2 ? `… (${figure(end - start)} characters)` : "";
  return [`${title}: ${cutText(value, max)}${missing}`];
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
