import type { ResultOwner, ResultStore, Subject } from "@evenkeel/core";

import { OffloadError } from "../errors.ts";

/** How long results stay and how much room they have. */
export interface ResultLimits {
  /**
   * Milliseconds after its last use for which a result is kept; null keeps it until a quota, a
   * pruning or a hand removes it.
   * @default 30 days
   */
  ttlMs?: number | null | undefined;
  /**
   * Bytes one thread may keep; the least recently used go first.
   * @default no limit
   */
  maxThreadBytes?: number | undefined;
  /**
   * Bytes the whole store may keep, shared content counted once; the least recently used go first.
   * @default no limit
   */
  maxTotalBytes?: number | undefined;
}

/** A hundred years. */
const MAX_DURATION_MS = 100 * 365 * 24 * 3_600_000;

/** The bytes a single result may have at most, by the quotas that are to hold it. */
export function largestAllowed({ maxThreadBytes, maxTotalBytes }: ResultLimits): number {
  return Math.min(maxThreadBytes ?? Infinity, maxTotalBytes ?? Infinity);
}

/** Makes room after a write: the least recently used results go, never the one just written. */
export async function enforceQuotas(
  store: ResultStore,
  written: { owner: ResultOwner; handle: string },
  { maxThreadBytes, maxTotalBytes }: ResultLimits,
): Promise<void> {
  if (maxThreadBytes !== undefined) {
    const { owner } = written;
    const bytes = async (): Promise<number> => (await store.resultUsage(owner)).bytes;
    await evict(store, { written, subject: owner, maxBytes: maxThreadBytes, bytes });
  }
  if (maxTotalBytes !== undefined) {
    const bytes = async (): Promise<number> => (await store.resultUsage()).storedBytes;
    await evict(store, { written, subject: undefined, maxBytes: maxTotalBytes, bytes });
  }
}

interface Room {
  readonly written: { owner: ResultOwner; handle: string };
  readonly subject: Subject | undefined;
  readonly maxBytes: number;
  readonly bytes: () => Promise<number>;
}

// Content shared by several handles frees nothing until the last of them is gone: hence the loop.
async function evict(
  store: ResultStore,
  { written, subject, maxBytes, bytes }: Room,
): Promise<void> {
  for (;;) {
    const excess = (await bytes()) - maxBytes;
    if (excess <= 0) return;
    const gone = await store.evictResults({ subject, bytes: excess, keep: written });
    if (gone === 0) return;
  }
}

/** Throws a coded error that names the first limit that is no sensible figure. */
export function validateLimits({ ttlMs, maxThreadBytes, maxTotalBytes }: ResultLimits): void {
  refuseUnless("ttlMs", ttlMs ?? undefined, MAX_DURATION_MS);
  refuseUnless("maxThreadBytes", maxThreadBytes, Number.MAX_SAFE_INTEGER);
  refuseUnless("maxTotalBytes", maxTotalBytes, Number.MAX_SAFE_INTEGER);
}

function refuseUnless(option: string, value: unknown, max: number): void {
  if (value === undefined) return;
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= max) return;
  throw new OffloadError({
    code: "invalid-options",
    message: `${option} must be a whole number from 1 to ${max}, but it is ${typeof value === "number" ? value : JSON.stringify(value)}.`,
    details: { option, value },
  });
}
