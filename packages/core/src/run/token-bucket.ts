import { CoreError } from "../errors.ts";

/** A bucket of tokens that retries draw from and successes give back to; it never fills by time. */
export interface TokenBucket {
  /** Takes `cost` tokens, or none where there are fewer. */
  take(cost: number): boolean;
  /** Gives tokens back, up to the capacity. */
  give(tokens: number): void;
  /** Tokens left. */
  level(): number;
}

/** Makes a full bucket, or one that goes on from a level that was kept. */
export function tokenBucket(capacity: number, kept: number = capacity): TokenBucket {
  if (!Number.isFinite(capacity) || capacity < 0) {
    throw new CoreError({
      code: "invalid-options",
      message: `A retry budget's capacity must be a number from 0; ${String(capacity)} came.`,
    });
  }
  let level = Number.isFinite(kept) ? Math.min(capacity, Math.max(0, kept)) : capacity;
  return {
    level: () => level,
    take(cost) {
      // Not `level < cost`: a cost that is no number must not pass for free.
      const enough = cost >= 0 && level >= cost;
      if (enough) level -= cost;
      return enough;
    },
    give(tokens) {
      if (tokens > 0) level = Math.min(capacity, level + tokens);
    },
  };
}
