import { OffloadError } from "./errors.ts";
import type { OwnerKey } from "./handle.ts";
import type { KeySubject, ResultDriver } from "./result-driver.ts";
import type { ResultLimits } from "./result-store.ts";

/** A hundred years. */
export const MAX_DURATION_MS: number = 100 * 365 * 24 * 3_600_000;
const VICTIMS_AT_ONCE = 64;

/** The bytes a single result may have at most, by the quotas that are to hold it. */
export function largestAllowed(limits: ResultLimits): number {
  return Math.min(limits.maxThreadBytes ?? Infinity, limits.maxTotalBytes ?? Infinity);
}

/** Makes room after a write: the least recently used results go, never the one just written. */
export async function enforceLimits(
  driver: ResultDriver,
  written: { key: OwnerKey; handle: string },
  limits: ResultLimits,
): Promise<void> {
  if (limits.maxThreadBytes !== undefined) {
    const bytes = async (): Promise<number> => (await driver.usage(written.key)).bytes;
    await evict(driver, written, written.key, limits.maxThreadBytes, bytes);
  }
  if (limits.maxTotalBytes !== undefined) {
    const bytes = async (): Promise<number> => (await driver.usage({})).storedBytes;
    await evict(driver, written, {}, limits.maxTotalBytes, bytes);
  }
}

/** Throws a coded error that names the first limit that is no sensible figure. */
export function validateLimits(limits: ResultLimits): void {
  const { ttlMs } = limits;
  if (ttlMs !== undefined && ttlMs !== null)
    refuseUnless("ttlMs", ttlMs, { min: 1, max: MAX_DURATION_MS });
  for (const name of ["maxThreadBytes", "maxTotalBytes"] as const) {
    const value = limits[name];
    const range = { min: 1, max: Number.MAX_SAFE_INTEGER };
    if (value !== undefined) refuseUnless(name, value, range);
  }
}

/** Throws a coded error for an option that is no whole number within its range. */
export function refuseUnless(
  option: string,
  value: unknown,
  { min, max }: { min: number; max: number },
): void {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return;
  throw new OffloadError({
    code: "invalid-options",
    message: `${option} must be a whole number from ${min} to ${max}, but it is ${String(value)}.`,
    details: { option, value },
  });
}

async function evict(
  driver: ResultDriver,
  written: { key: OwnerKey; handle: string },
  subject: KeySubject,
  maxBytes: number,
  bytesNow: () => Promise<number>,
): Promise<void> {
  for (;;) {
    const excess = (await bytesNow()) - maxBytes;
    if (excess <= 0) return;
    const candidates = await driver.leastRecentlyUsed(subject, VICTIMS_AT_ONCE);
    const victims = candidates.filter(
      ({ key, handle }) => handle !== written.handle || key.thread !== written.key.thread,
    );
    if (victims.length === 0) return;
    // Content shared by several handles frees nothing until the last of them is gone: hence the loop.
    let freed = 0;
    for (const victim of victims) {
      if (freed >= excess) break;
      await driver.remove(victim.key, victim.handle);
      freed += victim.size;
    }
  }
}
