import { defineMiddleware } from "@evenkeel/core";
import type { ExecutionInfo, Handler, Middleware, RunOutcome, RunRequest } from "@evenkeel/core";

import { budgetRun, warnOnce } from "./budget/budget-run.ts";
import { budgetModelCall } from "./budget/model-calls.ts";
import { assertBudgetOptions } from "./budget/options.ts";
import type {
  BudgetContext,
  BudgetLive,
  BudgetMiddlewareOptions,
  BudgetOptions,
} from "./budget/options.ts";
import { CHANNEL } from "./budget/spent.ts";
import { budgetToolCall } from "./budget/tool-calls.ts";

/**
 * Gives an execution, a thread and single tools a budget of tokens, money, time, calls and retries,
 * over attempts, subgraphs, pauses and crashes; warns when one is nearly used up, and ends the run
 * in the way that was chosen when it is.
 *
 * Error behavior: bad options throw `invalid-options` here; with `exitBehavior: "error"` a run ends
 * with `budget-exhausted`; a `price` that gives no number ends it with `price-invalid`. Output: at a
 * limit an answer of the model without tools, and an answer to every call that is not made. State:
 * `_budget`, private. When it fires: around the run and around each model and tool call.
 *
 * @example
 * ```ts
 * const budget = budgetMiddleware({ perExecution: { tokens: 200_000, toolCalls: 50 } });
 * const agent = withMiddleware(graph, [budget]);
 * ```
 */
export function budgetMiddleware(options: BudgetMiddlewareOptions = {}): Middleware {
  assertBudgetOptions(options);
  const { name = "budgetMiddleware", mode, durability = "sync", price } = options;
  const { perExecution = {}, perThread = {}, perTool = {}, retryBudget = {} } = options;
  const { warnAt = 0.8, exitBehavior = "final-answer" } = options;
  const { scope = ({ scope: own }: ExecutionInfo) => own } = options;

  async function budgetOfRun(
    request: RunRequest,
    handler: Handler<RunRequest, RunOutcome>,
    context: BudgetContext,
  ): Promise<RunOutcome> {
    const run = budgetRun(context);
    const { durability: chosen = "async" } = request.config as { durability?: string };
    if (durability === "inherit" && chosen !== "sync") {
      warnOnce(context, "durability-not-sync", { durability: chosen });
    }
    run.keeping.setDurable(chosen === "sync");
    run.watch.enter();
    try {
      return await handler(request);
    } finally {
      run.watch.leave();
      run.calls.forgetAll();
      await run.keeping.keepAll(context);
    }
  }

  return defineMiddleware<BudgetOptions, BudgetLive>({
    name,
    mode,
    outsideOf: { toolIdempotencyMiddleware: "a call it refuses is no effect" },
    options: { perExecution, perThread, perTool, warnAt, exitBehavior, retryBudget },
    live: { name, price, scope },
    needs: durability === "sync" ? { durability: "sync" } : {},
    state: { [CHANNEL]: { reset: "never", forks: "execution" } },
    wrapRun: budgetOfRun,
    wrapModelCall: budgetModelCall,
    wrapToolCall: budgetToolCall,
  });
}
