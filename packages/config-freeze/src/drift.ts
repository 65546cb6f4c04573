import { redact } from "@evenkeel/core";

/** One field in which the live configuration differs from the frozen one. */
export interface Difference {
  /** Dotted path, for example `model.parameters.temperature`. */
  readonly field: string;
  readonly frozen: unknown;
  readonly live: unknown;
}

/** How many differences are reported; the rest is counted. */
const MAXIMUM_DIFFERENCES = 50;
/** How much of a text a difference shows, in characters. */
const SHOWN_CHARACTERS = 200;

/** Compares two JSON values field by field, in a stable order. */
export function differencesBetween(frozen: unknown, live: unknown, path = ""): Difference[] {
  if (Object.is(frozen, live)) return [];
  if (isRecord(frozen) && isRecord(live)) {
    const keys = [...new Set([...Object.keys(frozen), ...Object.keys(live)])].toSorted();
    return keys.flatMap((key) =>
      differencesBetween(frozen[key], live[key], path === "" ? key : `${path}.${key}`),
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

/** Differences as an event may carry them: redacted, cut, bounded. */
export function reportable(differences: readonly Difference[]): unknown {
  const shown = differences.slice(0, MAXIMUM_DIFFERENCES).map(({ field, frozen, live }) => ({
    field,
    frozen: cut(redactField(field, frozen)),
    live: cut(redactField(field, live)),
  }));
  const more = differences.length - shown.length;
  return more > 0 ? { fields: shown, more } : { fields: shown };
}

// The name of a field says as much about a secret as its value.
function redactField(field: string, value: unknown): unknown {
  const name = field.split(/[.[\]]+/).findLast((part) => part !== "") ?? field;
  return (redact({ [name]: value ?? null }) as Record<string, unknown>)[name];
}

function cut(value: unknown): unknown {
  const text = typeof value === "string" ? value : JSON.stringify(value ?? null);
  if (text.length <= SHOWN_CHARACTERS) return value ?? null;
  return `${text.slice(0, SHOWN_CHARACTERS)}… (${text.length} characters)`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
