import { EvenkeelError, memoryStore } from "@evenkeel/core";
import { describe, expect, test } from "vitest";

import { budgetMiddleware, circuitBreakerMiddleware } from "../src/index.ts";
import { agentOf, codeOf, thread } from "./support/agent.ts";
import { ask, lookUp, seeker } from "./support/seeker.ts";

function refusal(make: () => unknown): EvenkeelError {
  try {
    make();
  } catch (error) {
    if (EvenkeelError.isInstance(error, "invalid-options")) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

describe("budgetMiddleware refuses", () => {
  test.each<[string, unknown, string]>([
    ["options", null, "an object"],
    ["options", "none", "an object"],
    ["tokens", { tokens: 1 }, "perExecution"],
    ["perExecution", { perExecution: 5 }, "an object"],
    ["perExecution.tokens", { perExecution: { tokens: -1 } }, "a whole number from 0"],
    ["perExecution.tokens", { perExecution: { tokens: Number.NaN } }, "a whole number from 0"],
    ["perExecution.tokens", { perExecution: { tokens: Infinity } }, "a whole number from 0"],
    ["perExecution.tokens", { perExecution: { tokens: "100" } }, "a whole number from 0"],
    ["perExecution.modelCalls", { perExecution: { modelCalls: 1.5 } }, "a whole number from 0"],
    ["perExecution.wallTimeMs", { perExecution: { wallTimeMs: -5 } }, "a number from 0"],
    ["perExecution.cost", { perExecution: { cost: 5 } }, "`price`"],
    ["perExecution.steps", { perExecution: { steps: 5 } }, "toolCalls"],
    ["perThread.toolCalls", { perThread: { toolCalls: -1 } }, "a whole number from 0"],
    ["perTool.search", { perTool: { search: 5 } }, "an object"],
    ["perTool.search.tokens", { perTool: { search: { tokens: 5 } } }, "calls"],
    ["perTool.search.calls", { perTool: { search: { calls: -1 } } }, "a whole number from 0"],
    ["warnAt", { warnAt: 80 }, "a number from 0 to 1"],
    ["exitBehavior", { exitBehavior: "stop" }, '"final-answer"'],
    ["price", { price: 0.5 }, "a function"],
    ["retryBudget.perExecution", { retryBudget: { perExecution: -1 } }, "a number from 0"],
    ["retryBudget.costs.policy", { retryBudget: { costs: { policy: "x" } } }, "a number from 0"],
    ["retryBudget.costs.timeout", { retryBudget: { costs: { timeout: 1 } } }, "infrastructure"],
    ["scope", { scope: "user" }, "a function"],
    ["durability", { durability: "async" }, '"sync"'],
    ["name", { name: "" }, "a non-empty string"],
  ])("%s, given %j", (option, options, allowed) => {
    const { message, details } = refusal(() => budgetMiddleware(options as never));
    expect(message).toContain(`"${option}"`);
    expect(message).toContain(allowed);
    expect(details).toMatchObject({ option });
  });

  test("takes a limit of nothing, and no options at all", () => {
    expect(budgetMiddleware().name).toBe("budgetMiddleware");
    expect(() => budgetMiddleware({ perExecution: { toolCalls: 0, tokens: 0 } })).not.toThrow();
  });
});

test.each<[string, () => string]>([
  ["gives no text", () => undefined as never],
  [
    "throws",
    () => {
      throw new Error("who is it?");
    },
  ],
])(
  "a scope that %s ends the run with a code: tenants are told apart by it",
  async (_title, scope) => {
    for (const middleware of [budgetMiddleware({ scope }), circuitBreakerMiddleware({ scope })]) {
      const graph = agentOf({ model: seeker(), tools: [lookUp().tool], middleware: [middleware] });
      expect(await codeOf(graph.invoke(ask(), thread()))).toBe("scope-invalid");
    }
  },
);

describe("circuitBreakerMiddleware refuses", () => {
  const { putBreaker: _missing, ...partOfStore } = memoryStore();
  test.each<[string, unknown, string]>([
    ["options", [], "an object"],
    ["retries", { retries: 3 }, "threshold"],
    ["tools", { tools: "search" }, "a list of names"],
    ["tools", { tools: [1] }, "a list of names"],
    ["models", { models: "all" }, "true or false"],
    ["window", { window: 0 }, "a whole number from 1 to 1000"],
    ["minimumCalls", { window: 4, minimumCalls: 5 }, "a whole number from 1 to 4"],
    ["threshold", { threshold: 0 }, "a number from"],
    ["threshold", { threshold: 1 }, "a number from"],
    ["halfOpenAfterMs", { halfOpenAfterMs: 0 }, "a number from 1"],
    ["maxHalfOpenAfterMs", { halfOpenAfterMs: 100, maxHalfOpenAfterMs: 50 }, "from 100"],
    ["refreshMs", { refreshMs: -1 }, "a number from 0"],
    ["storeTimeoutMs", { storeTimeoutMs: 0 }, "a number from 1"],
    ["failureClasses", { failureClasses: ["timeout"] }, "infrastructure"],
    ["store", { store: {} }, "a BreakerStore"],
    ["store", { store: partOfStore }, "a BreakerStore"],
    ["scope", { scope: 5 }, "a function"],
    ["name", { name: 5 }, "a non-empty string"],
  ])("%s, given %j", (option, options, allowed) => {
    const { message, details } = refusal(() => circuitBreakerMiddleware(options as never));
    expect(message).toContain(`"${option}"`);
    expect(message).toContain(allowed);
    expect(details).toMatchObject({ option });
  });

  test("takes no options at all", () => {
    expect(circuitBreakerMiddleware().name).toBe("circuitBreakerMiddleware");
  });
});
