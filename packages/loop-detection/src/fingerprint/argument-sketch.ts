import { wordHash } from "./word-hash.ts";

const buckets = 32;
const minTokens = 200;
const maxTokens = 20_000;

/**
 * Sketches long arguments as 32 buckets of two characters, so that a resend with a trivial change
 * can be told without keeping the arguments. Each changed word moves at most two buckets. Nothing is
 * sketched below 200 words: there a changed word changes what is asked.
 */
export function argumentSketch(text: string): string | undefined {
  if (text.length < minTokens * 2) return undefined;
  const sums = new Uint16Array(buckets);
  let tokens = 0;
  for (const [token] of text.matchAll(/[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu)) {
    tokens += 1;
    if (tokens > maxTokens) break;
    const hash = wordHash(token);
    const bucket = hash % buckets;
    sums[bucket] = (sums[bucket] ?? 0) + (hash >>> 16);
  }
  if (tokens < minTokens) return undefined;
  return [...sums]
    .map((sum) => String.fromCodePoint(33 + (sum % 90), 33 + ((sum >>> 7) % 90)))
    .join("");
}

/** Counts the buckets in which two sketches differ, from 0 (same words) to 32. */
export function sketchDistance(one: string, other: string): number {
  let distance = 0;
  for (let index = 0; index < buckets * 2; index += 2) {
    if (one.slice(index, index + 2) !== other.slice(index, index + 2)) distance += 1;
  }
  return distance;
}
