import type { Middleware } from "@evenkeel/core";
import { withMiddleware } from "@evenkeel/core";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { createAgent } from "langchain";
import { expectTypeOf, test } from "vitest";

import { budgetMiddleware, circuitBreakerMiddleware } from "../src/index.ts";
import type { PricedCall } from "../src/index.ts";

test("both are middleware of any graph and of createAgent", () => {
  const stack = [budgetMiddleware(), circuitBreakerMiddleware()];
  expectTypeOf(stack).toEqualTypeOf<Middleware[]>();
  const builder = new StateGraph(MessagesAnnotation)
    .addNode("agent", () => ({ messages: [] }))
    .addEdge(START, "agent");
  expectTypeOf(withMiddleware(builder, stack).invoke).toBeFunction();
  expectTypeOf(createAgent({ model: "gpt-5.2", tools: [], middleware: stack })).toBeObject();
});

test("price is asked with what the provider counted", () => {
  budgetMiddleware({
    perExecution: { cost: 5 },
    price: (call) => {
      expectTypeOf(call).toEqualTypeOf<PricedCall>();
      return call.outputTokens * 1e-5;
    },
  });
});

test("what is no limit, no behavior and no class is refused", () => {
  // @ts-expect-error there is no such limit
  budgetMiddleware({ perExecution: { steps: 5 } });
  // @ts-expect-error a tool has calls, not tokens
  budgetMiddleware({ perTool: { search: { tokens: 5 } } });
  // @ts-expect-error there is no such exit behavior
  budgetMiddleware({ exitBehavior: "stop" });
  // @ts-expect-error there is no such class of failure
  circuitBreakerMiddleware({ failureClasses: ["timeout"] });
});
