import type { AnyMiddleware } from "@evenkeel/core";
import { budgetMiddleware } from "@evenkeel/limits";

/** A budget that counts everything there is to count, and that no run exhausts. */
export function budgetOfAll(): AnyMiddleware {
  return budgetMiddleware({
    perExecution: { tokens: 1e9, cost: 1e9, wallTimeMs: 1e9, modelCalls: 1e6, toolCalls: 1e6 },
    perThread: { tokens: 1e9 },
    perTool: { look_up_order: { calls: 1e6 } },
    price: ({ totalTokens }) => totalTokens * 1e-6,
  });
}
