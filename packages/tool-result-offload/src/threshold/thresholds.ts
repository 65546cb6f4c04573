import { OffloadError } from "../errors.ts";
import { approximateTokens } from "./approximate-tokens.ts";
import { exceedsTokens } from "./token-counter.ts";
import type { TokenCounter } from "./token-counter.ts";
import { valueSize } from "./value-size.ts";

/** From what size on a result is kept outside the context; either limit alone is enough. */
export interface OffloadThresholds {
  /**
   * Tokens a result may cost and stay.
   * @default 2000
   */
  maxTokens?: number | undefined;
  /**
   * Bytes a result may have and stay.
   * @default 32768
   */
  maxBytes?: number | undefined;
}

/** Thresholds of their own for single tools; `false` leaves a tool's results where they are. */
export type PerToolThresholds = Readonly<Record<string, OffloadThresholds | false>>;

/** Whether a result stays in the context, and if not, which limit it passed. */
export type OffloadPlan =
  | { readonly action: "keep" }
  | { readonly action: "offload"; readonly reason: "bytes" | "tokens"; readonly limit: number };

const DEFAULT_MAX_TOKENS = 2_000;
const DEFAULT_MAX_BYTES = 32 * 1024;

const KEEP: OffloadPlan = { action: "keep" };
/**
 * Decides whether a tool's answer stays in the context. A small text is settled by its length or by
 * an estimate; only between half the limit and the limit is it tokenized, and never beyond it.
 */
export function planOffload(
  content: unknown,
  { maxTokens = DEFAULT_MAX_TOKENS, maxBytes = DEFAULT_MAX_BYTES }: OffloadThresholds,
  counter: TokenCounter,
): OffloadPlan {
  if (typeof content === "string") return planText(content, maxTokens, maxBytes, counter);
  if (content instanceof Uint8Array)
    return content.length > maxBytes ? tooManyBytes(maxBytes) : KEEP;
  // So many parts that the walk gave up are large, whatever is in them.
  const { bytes, text, complete } = valueSize(content, { maxBytes, maxText: maxTokens * 16 });
  if (bytes > maxBytes || !complete) return tooManyBytes(maxBytes);
  return text === "" ? KEEP : planText(text, maxTokens, Number.POSITIVE_INFINITY, counter);
}

/** True for a text that no limit can touch, told by its length alone. */
export function isSurelySmall(
  content: unknown,
  { maxTokens = DEFAULT_MAX_TOKENS, maxBytes = DEFAULT_MAX_BYTES }: OffloadThresholds,
): boolean {
  // A UTF-16 unit is one to three bytes, and a token is at least one byte.
  return typeof content === "string" && content.length * 3 <= Math.min(maxBytes, maxTokens);
}

/** The thresholds that hold for a tool, or undefined where its results are left alone. */
export function thresholdsFor(
  tool: string,
  general: OffloadThresholds,
  perTool: PerToolThresholds = {},
): OffloadThresholds | undefined {
  const own = Object.hasOwn(perTool, tool) ? perTool[tool] : undefined;
  return own === false ? undefined : { ...general, ...own };
}

/** Throws a coded error for thresholds that are no sensible figures. */
export function validateThresholds(thresholds: OffloadThresholds, where = "options"): void {
  for (const name of ["maxTokens", "maxBytes"] as const) {
    const value: unknown = thresholds[name];
    if (value === undefined || (typeof value === "number" && value >= 1)) continue;
    throw new OffloadError({
      code: "invalid-options",
      message: `${where}.${name} must be a number of at least 1, but it is ${typeof value === "number" ? value : JSON.stringify(value)}.`,
      details: { option: name, value },
    });
  }
}

function planText(
  text: string,
  maxTokens: number,
  maxBytes: number,
  counter: TokenCounter,
): OffloadPlan {
  if (isSurelySmall(text, { maxTokens, maxBytes })) return KEEP;
  const mostBytes = text.length * 3;
  if (text.length > maxBytes) return tooManyBytes(maxBytes);
  if (mostBytes > maxBytes && Buffer.byteLength(text) > maxBytes) return tooManyBytes(maxBytes);
  // The estimate is at least half of the true count: below half of the limit it is answer enough.
  if (approximateTokens(text, maxTokens / 2) <= maxTokens / 2) return KEEP;
  return exceedsTokens(text, maxTokens, counter)
    ? { action: "offload", reason: "tokens", limit: maxTokens }
    : KEEP;
}

function tooManyBytes(limit: number): OffloadPlan {
  return { action: "offload", reason: "bytes", limit };
}
