import { parseJson } from "../endpoint/http-body.ts";
import {
  type FilterSubject,
  type Pair,
  pairFamilies,
  pairFields,
  runFields,
} from "./filter-fields.ts";
import type { Filter, FilterValue } from "./filter.ts";
import { isRecord, textOf } from "./json-record.ts";
import type { LangSmithRun } from "./run.ts";

type Comparison = Extract<Filter, { kind: "compare" }>;

/** Whether a run fits a filter. */
export function matchesFilter(filter: Filter, subject: FilterSubject): boolean {
  if (filter.kind === "not") return !matchesFilter(filter.part, subject);
  if (filter.kind === "or") return filter.parts.some((part) => matchesFilter(part, subject));
  if (filter.kind === "compare") {
    const family = familyOf(filter);
    return family === undefined
      ? matchesRun(filter, subject)
      : matchesPairs([filter], family, subject);
  }
  // Inside one `and`, a key and a value speak of the same pair; a further key begins another one.
  const groups: { family: string; parts: Filter[] }[] = [];
  const others: Filter[] = [];
  for (const part of filter.parts) {
    const family = familyOf(part);
    if (family === undefined) others.push(part);
    else {
      const group = groups.findLast((candidate) => candidate.family === family);
      const begins = group?.parts.some((other) => isKey(other)) === true && isKey(part);
      if (group === undefined || begins) groups.push({ family, parts: [part] });
      else group.parts.push(part);
    }
  }
  return (
    others.every((part) => matchesFilter(part, subject)) &&
    groups.every(({ family, parts }) => matchesPairs(parts, family, subject))
  );
}

/** The kind of pair that a comparison, or an `or` of comparisons, is all about. */
function familyOf(filter: Filter): string | undefined {
  if (filter.kind === "compare") {
    return filter.field === undefined ? undefined : pairFields[filter.field];
  }
  if (filter.kind !== "or") return undefined;
  const families = new Set(filter.parts.map((part) => familyOf(part)));
  return families.size === 1 ? [...families][0] : undefined;
}

function isKey(filter: Filter): boolean {
  return filter.kind === "compare" && filter.field?.endsWith("_key") === true;
}

function matchesPairs(parts: readonly Filter[], family: string, subject: FilterSubject): boolean {
  const holds = (part: Filter, pair: Pair): boolean => {
    if (part.kind === "or") return part.parts.some((choice) => holds(choice, pair));
    return part.kind === "compare" && compare(part, pair[part.field ?? ""]);
  };
  const candidates = pairFamilies[family]?.(subject) ?? [];
  return candidates.some((pair) => parts.every((part) => holds(part, pair)));
}

function matchesRun(comparison: Comparison, { run }: FilterSubject): boolean {
  const { operator, field, value } = comparison;
  if (operator === "has") return field === "tags" ? hasTag(run, value) : hasMetadata(run, value);
  if (field === undefined) {
    const texts = [run.name, run.error, JSON.stringify(run.inputs), JSON.stringify(run.outputs)];
    return texts.some((text) => text !== undefined && includes(text, value));
  }
  return compare(comparison, runFields[field]?.(run));
}

function compare({ operator, value }: Comparison, actual: unknown): boolean {
  const equal = isEqual(actual, value);
  if (operator === "eq") return equal;
  if (operator === "neq") return !equal;
  if (operator === "search") return typeof actual === "string" && includes(actual, value);
  const [left, right] = [orderOf(actual), orderOf(value)];
  if (left === undefined || right === undefined || typeof left !== typeof right) return false;
  if (operator === "gt") return left > right;
  if (operator === "gte") return left >= right;
  if (operator === "lt") return left < right;
  return left <= right;
}

/** Metadata values are texts to LangSmith, so `1` and `"1"` are the same to it. */
function isEqual(actual: unknown, value: FilterValue): boolean {
  if (value === null) return actual === undefined || actual === null;
  if (!["string", "number", "boolean"].includes(typeof actual)) return false;
  return String(actual) === String(value);
}

/** Numbers by size, times by instant, other texts by their letters. */
function orderOf(value: unknown): number | string | undefined {
  if (typeof value === "number") return value;
  const text = textOf(value);
  if (text === undefined || !/^\d{4}-\d\d-\d\d/.test(text)) return text;
  const instant = Date.parse(/(?:Z|[+-]\d\d:?\d\d)$|^\S{10}$/.test(text) ? text : `${text}Z`);
  return Number.isNaN(instant) ? text : instant;
}

/** LangSmith indexes the first 250 characters of a text for search. */
const SEARCHED_CHARS = 250;

function includes(text: string, value: FilterValue): boolean {
  return text.slice(0, SEARCHED_CHARS).toLowerCase().includes(String(value).toLowerCase());
}

function hasTag(run: LangSmithRun, value: FilterValue): boolean {
  return run.tags.some((tag) => tag === value);
}

function hasMetadata(run: LangSmithRun, value: FilterValue): boolean {
  const wanted = parseJson(String(value));
  return (
    isRecord(wanted) && Object.entries(wanted).every(([key, item]) => run.metadata[key] === item)
  );
}
