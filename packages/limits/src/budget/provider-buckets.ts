import { tokenBucket } from "@evenkeel/core";
import type { TokenBucket } from "@evenkeel/core";

const BUCKETS_KEPT = 10_000;

// Of the process, not of a run or a middleware: a server may build its graph anew for each request.
const buckets = new Map<string, TokenBucket>();

/** The bucket that all executions of a scope in this process share for one provider or tool. */
export function providerBucket(scope: string, target: string, capacity: number): TokenBucket {
  const key = JSON.stringify([scope, target, capacity]);
  const known = buckets.get(key) ?? tokenBucket(capacity);
  // Least recently used first: a scope nobody has used for long starts with a full bucket again.
  buckets.delete(key);
  buckets.set(key, known);
  const oldest = buckets.keys().next().value;
  if (buckets.size > BUCKETS_KEPT && oldest !== undefined) buckets.delete(oldest);
  return known;
}
