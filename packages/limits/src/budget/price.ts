import { LimitsError } from "../errors.ts";
import type { ModelFacts } from "../model-facts.ts";
import type { Usage } from "./usage.ts";

/** One call of a model, as a price function is asked about it. */
export interface PricedCall extends ModelFacts, Usage {
  /** The provider's own figures: cached and reasoning tokens are in it. */
  readonly usage: unknown;
}

/** What a call cost, in any unit; asked once per call, after it. */
export type Price = (call: PricedCall) => number;

/** Asks a price function; what it throws, and what is no number from 0, comes back as a coded error. */
export function priceOf(price: Price, call: PricedCall, middleware: string): number | LimitsError {
  const invalid = (came: string, cause?: unknown): LimitsError =>
    new LimitsError({
      code: "price-invalid",
      middleware,
      message: `${middleware}: \`price\` ${came} for a call of ${call.model ?? "a model without a name"}; a number from 0 is allowed. What was spent is not known, so nothing more is spent: correct \`price\` and resume.`,
      cause,
      details: { model: call.model, provider: call.provider },
    });
  try {
    const cost: unknown = price(call);
    if (typeof cost === "number" && Number.isFinite(cost) && cost >= 0) return cost;
    return invalid(`gave ${typeof cost === "number" ? String(cost) : `a ${typeof cost}`}`);
  } catch (error) {
    return invalid("threw", error);
  }
}
