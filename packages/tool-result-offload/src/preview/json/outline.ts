import { jsonScanner } from "./scanner.ts";
import type { JsonToken } from "./scanner.ts";

export type JsonType = "object" | "array" | "string" | "number" | "boolean" | "null";
export type Range = readonly [start: number, end: number];

/** What was seen at one place of a JSON text, over all the values that stood there. */
export interface Outline {
  /** How many values of each type. */
  readonly types: Map<JsonType, number>;
  /** By key, in order of appearance. */
  readonly keys: Map<string, Outline>;
  /** Keys of the object at this place that has most. */
  mostKeys: number;
  /** What the elements of arrays look like, all taken together. */
  items: Outline | undefined;
  /** Elements of the longest array at this place, and where its first and last stand in the text. */
  longest: number;
  first: Range | undefined;
  last: Range | undefined;
  /** The first string, number or literal, as it stands in the text. */
  example: Range | undefined;
}

/** The outline of a text of one JSON value or of several, one behind the other. */
export interface JsonOutline {
  readonly root: Outline;
  /** Values that are complete. */
  readonly values: number;
  /** True if the text ends inside a value. */
  readonly unfinished: boolean;
  /** True if it ends inside a string, number or literal. */
  readonly cut: boolean;
  /** Where the text stops being JSON, if it does. */
  readonly problemAt: number | undefined;
}

interface Frame {
  /** Undefined below the depth that is kept. */
  readonly outline: Outline | undefined;
  readonly isArray: boolean;
  readonly start: number;
  /** Where the next value of an object belongs. */
  place: Outline | undefined;
  count: number;
  first: Range | undefined;
  last: Range | undefined;
}

type Expected = "value" | "value or end" | "key" | "key or end" | "colon" | "comma or end";

const MAX_KEYS = 48;
const MAX_DEPTH = 6;
const MAX_OUTLINES = 600;

/**
 * Reads the shape of a JSON text without building its values: one pass and no recursion, so that
 * neither depth nor length can hurt, and a text that is cut or broken shows what stood before.
 */
export function outlineJson(text: string): JsonOutline {
  const scanner = jsonScanner(text);
  const root = emptyOutline();
  const stack: Frame[] = [];
  let frame: Frame | undefined;
  let outlines = 1;
  let values = 0;
  let expected: Expected = "value";

  function childOf(parent: Outline | undefined, key?: string): Outline | undefined {
    if (parent === undefined) return undefined;
    const known = key === undefined ? parent.items : parent.keys.get(key);
    if (known !== undefined || stack.length > MAX_DEPTH) return known;
    if (outlines >= MAX_OUTLINES || (key !== undefined && parent.keys.size >= MAX_KEYS)) {
      return undefined;
    }
    outlines += 1;
    const created = emptyOutline();
    if (key === undefined) parent.items = created;
    else parent.keys.set(key, created);
    return created;
  }

  function placeOfValue(): Outline | undefined {
    if (frame === undefined) return root;
    return frame.isArray ? childOf(frame.outline) : frame.place;
  }

  function valueEnded(start: number): void {
    if (frame === undefined) {
      values += 1;
      expected = "value";
      return;
    }
    if (frame.isArray) {
      frame.count += 1;
      frame.last = [start, scanner.end];
      frame.first ??= frame.last;
    }
    expected = "comma or end";
  }

  // True if the token may stand here; then everything has moved on.
  function take(token: JsonToken): boolean {
    const isValue = expected === "value" || expected === "value or end";
    switch (token) {
      case "{":
      case "[": {
        if (!isValue) return false;
        const isArray = token === "[";
        const outline = placeOfValue();
        note(outline, isArray ? "array" : "object");
        const { start } = scanner;
        frame = {
          outline,
          isArray,
          start,
          place: undefined,
          count: 0,
          first: undefined,
          last: undefined,
        };
        stack.push(frame);
        expected = isArray ? "value or end" : "key or end";
        return true;
      }
      case "}":
      case "]": {
        const fits = frame !== undefined && frame.isArray === (token === "]");
        if (!fits || frame === undefined || !expected.endsWith("or end")) return false;
        settle(frame);
        const { start } = frame;
        stack.pop();
        frame = stack.at(-1);
        valueEnded(start);
        return true;
      }
      case ",":
        if (expected !== "comma or end" || frame === undefined) return false;
        expected = frame.isArray ? "value" : "key";
        return true;
      case ":":
        if (expected !== "colon") return false;
        expected = "value";
        return true;
      case "string":
        if (frame !== undefined && (expected === "key" || expected === "key or end")) {
          const key = text.slice(scanner.start + 1, scanner.end - 1);
          frame.place = childOf(frame.outline, key);
          frame.count += 1;
          expected = "colon";
          return true;
        }
        return takeScalar(isValue);
      case "scalar":
        return takeScalar(isValue);
      case "end":
      case "cut":
      case "bad":
        break;
    }
    return false;
  }

  function takeScalar(isValue: boolean): boolean {
    if (!isValue) return false;
    const place = placeOfValue();
    note(place, scalarType(text.charAt(scanner.start)));
    if (place !== undefined) place.example ??= [scanner.start, scanner.end];
    valueEnded(scanner.start);
    return true;
  }

  let token = scanner.next();
  while (take(token)) token = scanner.next();
  // An array that is open has one element more than were finished, unless it is the innermost.
  for (const open of stack) settle(open, open.isArray && open !== frame ? 1 : 0);
  const atEnd = token === "end" || token === "cut";
  return {
    root,
    values,
    unfinished: stack.length > 0 || token === "cut",
    cut: token === "cut",
    problemAt: atEnd ? undefined : scanner.start,
  };
}

function emptyOutline(): Outline {
  return {
    types: new Map(),
    keys: new Map(),
    mostKeys: 0,
    items: undefined,
    longest: 0,
    first: undefined,
    last: undefined,
    example: undefined,
  };
}

function note(outline: Outline | undefined, type: JsonType): void {
  outline?.types.set(type, (outline.types.get(type) ?? 0) + 1);
}

function scalarType(character: string): JsonType {
  if (character === '"') return "string";
  if (character === "n") return "null";
  return character === "t" || character === "f" ? "boolean" : "number";
}

function settle({ outline, isArray, count, first, last }: Frame, open = 0): void {
  if (outline === undefined) return;
  if (!isArray) outline.mostKeys = Math.max(outline.mostKeys, count);
  if (!isArray || count + open <= outline.longest) return;
  outline.longest = count + open;
  outline.first = first;
  outline.last = last;
}
