import { redact } from "@evenkeel/core";

import { differencesBetween } from "./drift.ts";

// Nothing may be cut: whatever differs from the copy is a secret, or no plain JSON.
const WHOLE = {
  maxDepth: 100,
  maxString: 10_000_000,
  maxMembers: 1_000_000,
  maxValues: 10_000_000,
  maxCharacters: 100_000_000,
};

/** The paths at which a value holds what looks like a secret, or what is no plain JSON. */
export function secretPaths(value: unknown): string[] {
  return differencesBetween(value ?? null, redact(value ?? null, WHOLE)).map(({ field }) => field);
}
