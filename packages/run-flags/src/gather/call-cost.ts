import { type MessageLike, tokensOf } from "./message-parts.ts";

/** One reply of a model, for whoever knows what it costs. */
export interface PricedCall {
  /** As the provider names it in the reply; null where it does not. */
  model: string | null;
  inputTokens: number;
  outputTokens: number;
  /** What the reply says of its tokens, cached and reasoning ones included. */
  usage: unknown;
}

/** What one call of a model cost in US dollars; nothing where it is not known. */
export type CallCost = (call: PricedCall) => number | undefined;

/** Asks what a reply cost. A price that is none counts as nothing, and one that throws is reported. */
export function costOf(
  result: unknown,
  cost: CallCost | undefined,
  report: (error: unknown) => void,
): number {
  if (cost === undefined || typeof result !== "object" || result === null) return 0;
  const { usage_metadata: usage, response_metadata: metadata } = result as MessageLike;
  const tokens = tokensOf(result);
  if (tokens === undefined) return 0;
  const model = metadata?.["model_name"] ?? metadata?.["model"];
  try {
    const usd = cost({
      model: typeof model === "string" ? model : null,
      inputTokens: tokens.input,
      outputTokens: tokens.output,
      usage,
    });
    return usd !== undefined && Number.isFinite(usd) && usd > 0 ? usd : 0;
  } catch (error) {
    report(error);
    return 0;
  }
}
