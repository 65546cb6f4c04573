import { OffloadError } from "../errors.ts";

/** What bounds one call of a reading tool. */
export interface ReadingLimits {
  /**
   * Tokens of one answer's quoted part.
   * @default 2000
   */
  maxTokens?: number | undefined;
  /**
   * Milliseconds a search may take before it answers with what it found so far.
   * @default 5000
   */
  searchTimeoutMs?: number | undefined;
  /**
   * Milliseconds after which a query is stopped.
   * @default 10000
   */
  queryTimeoutMs?: number | undefined;
  /**
   * Bytes of the largest result that may be queried as a whole.
   * @default 134217728
   */
  maxQueryBytes?: number | undefined;
}

/** The limits with nothing left open. */
export type ResolvedReadingLimits = { readonly [Name in keyof ReadingLimits]-?: number };

const DEFAULTS: ResolvedReadingLimits = {
  maxTokens: 2_000,
  searchTimeoutMs: 5_000,
  queryTimeoutMs: 10_000,
  maxQueryBytes: 128 * 1024 * 1024,
};

/** What an answer needs at the least to say anything, and time none. */
const MINIMA: Partial<Record<string, number>> = { maxTokens: 20, searchTimeoutMs: 0 };
/** The longest timer there is. */
const MAXIMUM = 2_147_483_647;

/** Fills in the defaults; a coded error names the first limit that is no sensible figure. */
export function resolveReadingLimits(limits: ReadingLimits = {}): ResolvedReadingLimits {
  const resolved: Record<string, number> = { ...DEFAULTS };
  for (const [name, value] of Object.entries(limits) as [string, unknown][]) {
    if (value === undefined) continue;
    const min = MINIMA[name] ?? 1;
    const known = Object.hasOwn(DEFAULTS, name);
    if (!known || typeof value !== "number" || !(value >= min && value <= MAXIMUM)) {
      throw new OffloadError({
        code: "invalid-options",
        message: known
          ? `${name} must be a number from ${min} to ${MAXIMUM}, but it is ${JSON.stringify(value)}.`
          : `There is no limit ${name}; there are ${Object.keys(DEFAULTS).join(", ")}.`,
        details: { option: name },
      });
    }
    resolved[name] = value;
  }
  return resolved as ResolvedReadingLimits;
}
