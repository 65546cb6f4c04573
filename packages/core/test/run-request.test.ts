import { HumanMessage } from "@langchain/core/messages";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { describe, expect, test } from "vitest";

import { defineMiddleware, withMiddleware } from "../src/index.ts";
import type { AnyMiddleware, WithMiddlewareOptions } from "../src/index.ts";

const input = { messages: [new HumanMessage("Hello?")] };

function agent(stack: readonly AnyMiddleware[], options: WithMiddlewareOptions = {}, fails = 0) {
  let calls = 0;
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("agent", () => {
      calls += 1;
      if (calls <= fails) throw new Error(`try ${calls}`);
      return { messages: [] };
    })
    .addEdge(START, "agent")
    .compile();
  return withMiddleware(graph, stack, options);
}

const emitting = defineMiddleware({
  name: "emitting",
  options: {},
  async wrapRun(request, handler, { emit }) {
    emit("custom-before");
    const outcome = await handler(request);
    emit("custom-after");
    return outcome;
  },
});

describe("a hook around the run", () => {
  test("hears the events of other middleware, and a listener that throws disturbs nobody", async () => {
    const heard: string[] = [];
    const errors: unknown[] = [];
    const listening = defineMiddleware({
      name: "listening",
      options: {},
      wrapRun: (request, handler) => {
        request.onEvent(() => {
          throw new Error("a listener's own defect");
        });
        request.onEvent(({ name, by }) => void heard.push(`${by} ${name}`));
        return handler(request);
      },
    });
    const onSinkError = (error: unknown): void => void errors.push(error);
    await agent([listening, emitting], { onSinkError }).invoke(input);
    expect(heard).toEqual(["emitting custom-before", "emitting custom-after"]);
    expect(errors).toHaveLength(2);
  });

  test("knows whether the run is live, a replay or an evaluation", async () => {
    const modes: string[] = [];
    const asking = defineMiddleware({
      name: "asking",
      options: {},
      wrapRun: (request, handler) => {
        modes.push(request.runMode);
        return handler(request);
      },
    });
    await agent([asking]).invoke(input);
    await agent([asking], { runMode: "eval" }).invoke(input);
    expect(modes).toEqual(["live", "eval"]);
  });

  test("is told the outcome of every attempt before its trace ends", async () => {
    const outcomes: string[] = [];
    const left: number[] = [];
    const watching = defineMiddleware({
      name: "watching",
      options: {},
      wrapRun: (request, handler) => {
        request.beforeEnd(({ status }, _root, messages) => {
          outcomes.push(status);
          left.push(messages.length);
        });
        return handler(request);
      },
    });
    const trying = defineMiddleware({
      name: "trying",
      options: {},
      retries: true,
      async wrapRun(request, handler) {
        const first = await handler(request);
        return first.status === "failed" ? handler(request) : first;
      },
    });
    await agent([watching, trying], {}, 1).invoke(input);
    expect(outcomes).toEqual(["failed", "completed"]);
    expect(left).toEqual([1, 1]);
  });
});
