import { EvenkeelError } from "@evenkeel/core";
import type { ResultOwner, ResultStore } from "@evenkeel/core";

import { OffloadError } from "../errors.ts";
import { classifyHandle } from "../results/handle.ts";
import { openResults } from "../results/results.ts";
import type { Results } from "../results/results.ts";
import { timedStore } from "../results/timed-store.ts";
import { approximateCounter } from "../threshold/token-counter.ts";
import type { TokenCounter } from "../threshold/token-counter.ts";
import { resolveReadingLimits } from "./limits.ts";
import type { ReadingLimits, ResolvedReadingLimits } from "./limits.ts";

/** For whom results are read, where, and within which limits. */
export interface ReadingContext {
  readonly results: Results;
  readonly owner: ResultOwner;
  readonly limits: ResolvedReadingLimits;
  readonly counter: TokenCounter;
  readonly signal: AbortSignal | undefined;
}

/** What a reading context is opened on. */
export interface ReadingSource {
  store: ResultStore;
  owner: ResultOwner;
  limits?: ReadingLimits | undefined;
  /** @default an estimate */
  counter?: TokenCounter | undefined;
  signal?: AbortSignal | undefined;
  /** Milliseconds one request to the store may take. @default 10000 */
  storeTimeoutMs?: number | undefined;
  /** Epoch milliseconds. @default Date.now */
  now?: (() => number) | undefined;
}

/** What a reading tool answers: text for the model, and the facts behind it. */
export interface ReadingAnswer {
  readonly status: "success" | "error";
  /** What went wrong, by name; null if nothing did. */
  readonly code: string | null;
  readonly text: string;
  /** JSON facts: what was read, and the arguments of the next page under `next`, null at the end. */
  readonly details: Readonly<Record<string, unknown>>;
}

const STORE_TIMEOUT_MS = 10_000;

export function openReading(source: ReadingSource): ReadingContext {
  const { store, owner, counter = approximateCounter, signal, now } = source;
  const { storeTimeoutMs: timeoutMs = STORE_TIMEOUT_MS } = source;
  return {
    results: openResults(timedStore(store, { timeoutMs, signal }), now),
    owner,
    counter,
    signal,
    limits: resolveReadingLimits(source.limits),
  };
}

/**
 * Runs a reading tool: its coded failures become an answer the model can act on, so that a run never
 * ends over a wrong handle; an abort and whatever has no code goes on upward.
 */
export async function answering(read: () => Promise<ReadingAnswer>): Promise<ReadingAnswer> {
  try {
    return await read();
  } catch (error) {
    if (!EvenkeelError.isInstance(error)) throw error;
    return {
      status: "error",
      code: error.code,
      text: `[${error.code}] ${error.message}`,
      details: { ...error.details, code: error.code },
    };
  }
}

/** The handle in what the model wrote, if it is one of this thread; a coded error otherwise. */
export function checkedHandle(owner: ResultOwner, written: unknown): string {
  const text = typeof written === "string" ? written : "";
  // Models quote what they copy.
  const handle = /res_[0-9a-z]+/.exec(text.slice(0, 200))?.[0] ?? text.slice(0, 40);
  const kind = classifyHandle(owner, handle);
  if (kind === "own") return handle;
  const message =
    kind === "foreign"
      ? `${handle} is not a handle of this conversation. Use a handle from a message above, exactly as it stands there.`
      : `${JSON.stringify(handle)} is not a handle; a handle is res_ and twenty letters and digits, as in the message of the result.`;
  throw new OffloadError({ code: `handle-${kind}`, message, details: { handle } });
}

export function resultGone(handle: string): OffloadError {
  return new OffloadError({
    code: "result-gone",
    message: `What ${handle} named is not kept any more. Call the tool that produced it again.`,
    details: { handle },
  });
}

/** A whole number among a tool's arguments; a coded error names what came and what is allowed. */
export function wholeNumber(
  name: string,
  value: unknown,
  { min, max, fallback }: { min: number; max: number; fallback: number },
): number {
  if (value === undefined || value === null) return fallback;
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof number === "number" && Number.isInteger(number) && number >= min)
    return Math.min(number, max);
  throw new OffloadError({
    code: "invalid-options",
    message: `${name} must be a whole number of at least ${min}, but it is ${JSON.stringify(value)}.`,
    details: { argument: name },
  });
}
