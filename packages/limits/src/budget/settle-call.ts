import type { AIMessage } from "@langchain/core/messages";

import type { ModelFacts } from "../model-facts.ts";
import { warnOnce } from "./budget-run.ts";
import type { BudgetRun } from "./budget-run.ts";
import type { BudgetContext } from "./options.ts";
import { priceOf } from "./price.ts";
import { usageOf } from "./usage.ts";

/** Adds what a model call used and cost, and counts the tool calls its answer asks for. */
export function settleCall(
  message: AIMessage | undefined,
  facts: ModelFacts,
  run: BudgetRun,
  context: BudgetContext,
): void {
  const { account, calls } = run;
  const usage = usageOf(message);
  const { perExecution, perThread } = context.options;
  if (usage === undefined) {
    const counts = [perExecution, perThread].some(
      ({ tokens, inputTokens, outputTokens, cost }) =>
        (tokens ?? inputTokens ?? outputTokens ?? cost) !== undefined,
    );
    if (counts) warnOnce(context, "usage-missing", { ...facts });
  } else {
    const { inputTokens, outputTokens, totalTokens } = usage;
    const { price, name } = context.live;
    const cost =
      price === undefined
        ? 0
        : priceOf(price, { ...facts, ...usage, usage: message?.usage_metadata }, name);
    const known = typeof cost === "number" ? cost : 0;
    account.spend({ tokens: totalTokens, inputTokens, outputTokens, cost: known });
    if (typeof cost !== "number") {
      warnOnce(context, "price-invalid", { ...facts });
      const limited = perExecution.cost !== undefined || perThread.cost !== undefined;
      // The answer is paid for and handed on; without knowing what it cost nothing more is spent.
      if (limited) run.unknownCost = cost;
    }
  }
  const asked = (message?.tool_calls ?? []).map(({ id = "", name }) => ({ id, name }));
  calls.announce(context.callSite ?? "model", asked);
  run.warn(context);
}
