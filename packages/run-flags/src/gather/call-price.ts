import { type MessageLike, tokensOf } from "./message-parts.ts";

/** One reply of a model, for whoever knows what it costs. */
export interface PricedCall {
  /** As the provider names it in the reply; null where it does not. */
  readonly model: string | null;
  readonly provider: string | null;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly totalTokens: number;
  /** The provider's own figures: cached and reasoning tokens are in it. */
  readonly usage: unknown;
}

/** What a call of a model cost, in US dollars; asked once per reply, after it. */
export type Price = (call: PricedCall) => number | undefined;

/** Asks what a reply cost. A price that is none counts as nothing, and one that throws is reported. */
export function costOf(
  reply: unknown,
  price: Price | undefined,
  report: (error: unknown) => void,
): number {
  if (price === undefined || typeof reply !== "object" || reply === null) return 0;
  const { usage_metadata: usage, response_metadata: metadata = {} } = reply as MessageLike;
  const tokens = tokensOf(reply);
  if (tokens === undefined) return 0;
  try {
    const cost = price({
      model: nameOf(metadata["model_name"] ?? metadata["model"]),
      provider: nameOf(metadata["model_provider"]),
      inputTokens: tokens.input,
      outputTokens: tokens.output,
      totalTokens: tokens.input + tokens.output,
      usage,
    });
    return cost !== undefined && Number.isFinite(cost) && cost > 0 ? cost : 0;
  } catch (error) {
    report(error);
    return 0;
  }
}

function nameOf(name: unknown): string | null {
  return typeof name === "string" ? name : null;
}
