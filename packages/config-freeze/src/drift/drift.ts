import { redact, sha256 } from "@evenkeel/core";

import { isRecord, ownMember } from "../plain-json.ts";

/** One field in which the live configuration differs from the frozen one. */
export interface Difference {
  /** Dotted path, for example `model.parameters.temperature`. */
  readonly field: string;
  /** Undefined where the field was not there. */
  readonly frozen: unknown;
  readonly live: unknown;
}

/** How many differences are reported; the rest is counted. */
const MAXIMUM_DIFFERENCES = 50;
/** The longest value a report shows, in characters; longer ones are shown as their hash. */
const SHOWN_CHARACTERS = 64;
/** Texts that tell a model what to do: no stream may carry them, however short. */
const BODIES = /^prompt\b|^tools\..*\.(?:description|input|output|definition)\b|^responseFormat\b/;

/** Compares two JSON values field by field, in a stable order. */
export function differencesBetween(frozen: unknown, live: unknown, path = ""): Difference[] {
  if (Object.is(frozen, live)) return [];
  if (isRecord(frozen) && isRecord(live)) {
    const keys = [...new Set([...Object.keys(frozen), ...Object.keys(live)])].toSorted();
    return keys.flatMap((key) =>
      differencesBetween(
        ownMember(frozen, key),
        ownMember(live, key),
        path === "" ? key : `${path}.${key}`,
      ),
    );
  }
  if (Array.isArray(frozen) && Array.isArray(live)) {
    const length = Math.max(frozen.length, live.length);
    return Array.from({ length }, (_, index) =>
      differencesBetween(frozen[index], live[index], `${path}[${index}]`),
    ).flat();
  }
  return [{ field: path, frozen, live }];
}

/** Differences as an event may carry them: short values redacted, bodies as their hash, bounded. */
export function reportable(differences: readonly Difference[]): Readonly<Record<string, unknown>> {
  const fields = differences.slice(0, MAXIMUM_DIFFERENCES).map(({ field, frozen, live }) => ({
    field,
    frozen: shown(field, frozen),
    live: shown(field, live),
  }));
  const more = differences.length - fields.length;
  return more > 0 ? { fields, more } : { fields };
}

function shown(field: string, value: unknown): unknown {
  if (value === undefined || value === null) return null;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (typeof value === "object" || text.length > SHOWN_CHARACTERS || BODIES.test(field)) {
    return `sha256:${sha256(text).slice(0, 12)} (${text.length} characters)`;
  }
  // The name of a field says as much about a secret as its value.
  const name = field.split(/[.[\]]+/).findLast((part) => part !== "") ?? field;
  return (redact({ [name]: value }) as Record<string, unknown>)[name];
}
