import { classifyFailure, defineMiddleware, wrapModel, withMiddleware } from "@evenkeel/core";
import type { AnyMiddleware, EvenkeelEvent, Middleware, RetryGrant } from "@evenkeel/core";
import { scriptedModel } from "@evenkeel/testing";
import type { ToolMessage } from "@langchain/core/messages";
import { MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { createAgent, modelRetryMiddleware, toolRetryMiddleware } from "langchain";
import { describe, expect, test } from "vitest";

import { budgetMiddleware } from "../src/index.ts";
import type { BudgetMiddlewareOptions } from "../src/index.ts";
import { agentOf, codeOf, keptIn, thread } from "./support/agent.ts";
import { ask, dangling, lastText, lookUp, seeker } from "./support/seeker.ts";

const overloaded = (): never => {
  throw unavailable();
};
const noWait = { initialDelayMs: 0, jitter: false };
const toolRetry = (
  maxRetries: number,
  onFailure: "continue" | "error" = "continue",
): AnyMiddleware => toolRetryMiddleware({ maxRetries, ...noWait, onFailure }) as never;
const modelRetry = (maxRetries: number): AnyMiddleware =>
  modelRetryMiddleware({ maxRetries, ...noWait, onFailure: "error" }) as never;
let scopes = 0;
/** Nobody else's provider buckets. */
const alone = (): BudgetMiddlewareOptions => {
  const scope = `scope-${(scopes += 1)}`;
  return { scope: () => scope };
};

/** A layer of ours, which asks before it tries a tool again. */
function askingRetry(name: string, tries: number, grants: RetryGrant[]): Middleware {
  return defineMiddleware({
    name,
    options: {},
    retries: true,
    async wrapToolCall(request, handler, { retryBudget }) {
      const { id = "", name: tool } = request.toolCall;
      for (let at = 1; ; at += 1) {
        try {
          return await handler(request);
        } catch (error) {
          if (at >= tries) throw error;
          const failure = classifyFailure(error);
          const draw = { by: name, kind: "tool", target: tool, callId: id, failure } as const;
          const grant = await retryBudget.draw(draw);
          grants.push(grant);
          if (!grant.granted) throw error;
        }
      }
    },
  });
}

describe("layers of retry that know nothing of each other", () => {
  test("multiply without a budget, and stay within it with one", async () => {
    const tried = async (budget: readonly AnyMiddleware[]): Promise<number> => {
      const { tool, calls } = lookUp(overloaded);
      const graph = agentOf({
        tools: [tool],
        model: seeker({ turns: 1 }),
        middleware: [askingRetry("outerMiddleware", 4, []), toolRetry(4, "error"), ...budget],
      });
      await graph.invoke(ask(), thread()).catch(() => undefined);
      return calls.length;
    };
    expect(await tried([])).toBe(20);
    const budget = budgetMiddleware({ ...alone(), retryBudget: { perExecution: 6 } });
    // The first try, and six that are paid for.
    expect(await tried([budget])).toBe(7);
  });

  test("of LangGraph, LangChain and ours around one model draw on one budget", async () => {
    const run = async (middleware: readonly AnyMiddleware[]): Promise<number> => {
      const model = scriptedModel(() => ({ error: unavailable() }));
      const wrapped = wrapModel(model);
      const graph = withMiddleware(
        new StateGraph(MessagesAnnotation)
          .addNode(
            "agent",
            async ({ messages }) => ({ messages: [await wrapped.invoke(messages)] }),
            {
              retryPolicy: {
                maxAttempts: 3,
                initialInterval: 1,
                jitter: false,
                retryOn: () => true,
              },
            },
          )
          .addEdge(START, "agent"),
        middleware,
        { checkpointer: new MemorySaver() },
      );
      await graph.invoke(ask(), thread()).catch(() => undefined);
      return model.calls.length;
    };
    const layers = [modelRetry(2), askingModelRetry(3)];
    expect(await run(layers)).toBe(27);
    const budget = budgetMiddleware({ ...alone(), retryBudget: { perExecution: 5 } });
    expect(await run([...layers, budget])).toBe(6);
  });
});

function unavailable(): Error {
  return Object.assign(new Error("503 Service Unavailable"), { status: 503 });
}

/** Tries a model again without asking. */
function askingModelRetry(tries: number): Middleware {
  return defineMiddleware({
    name: "blindMiddleware",
    options: {},
    retries: true,
    async wrapModelCall(request, handler) {
      for (let at = 1; ; at += 1) {
        try {
          return await handler(request);
        } catch (error) {
          if (at >= tries) throw error;
        }
      }
    },
  });
}

describe("a retry", () => {
  test("that a layer asked for is paid once, by the class of its failure", async () => {
    const grants: RetryGrant[] = [];
    let tries = 0;
    const { tool } = lookUp(() => ((tries += 1) < 3 ? overloaded() : "found"));
    const checkpointer = new MemorySaver();
    const graph = agentOf({
      tools: [tool],
      checkpointer,
      model: seeker({ turns: 1 }),
      middleware: [
        askingRetry("askingMiddleware", 5, grants),
        budgetMiddleware({
          ...alone(),
          retryBudget: { reward: 0 },
          perExecution: { toolCalls: 100 },
        }),
      ],
    });
    await graph.invoke(ask(), thread());
    expect(grants.map(({ granted, left }) => ({ granted, left }))).toEqual([
      { granted: true, left: 19 },
      { granted: true, left: 18 },
    ]);
    const { spent } = (await keptIn(checkpointer, "_budget")) as never as Kept;
    expect(spent.execution).toMatchObject({ sums: { retries: 2, toolCalls: 3 }, retryTokens: 18 });
  });

  test("that succeeded gives back what it took", async () => {
    let tries = 0;
    const { tool } = lookUp(() => ((tries += 1) % 2 === 1 ? overloaded() : "found"));
    const checkpointer = new MemorySaver();
    const graph = agentOf({
      tools: [tool],
      checkpointer,
      model: seeker({ turns: 30 }),
      middleware: [
        toolRetry(2),
        budgetMiddleware({ ...alone(), retryBudget: { perExecution: 1 } }),
      ],
    });
    const result = await graph.invoke(ask(), thread("thread-1", { recursionLimit: 100 }));
    // Thirty calls that fail once each, on a bucket of one.
    expect(lastText(result)).toBe("answered after 30 turns");
    expect(tries).toBe(60);
    expect(dangling(result)).toEqual([]);
  });

  test("is refused at a limit on retries, of the execution or of one tool", async () => {
    for (const limits of [
      { perExecution: { retries: 2 } },
      { perTool: { look_up: { retries: 2 } } },
    ]) {
      const events: EvenkeelEvent[] = [];
      const { tool, calls } = lookUp(overloaded);
      const graph = agentOf({
        tools: [tool],
        events,
        model: seeker({ turns: 1 }),
        middleware: [toolRetry(9), budgetMiddleware({ ...alone(), ...limits })],
      });
      const result = await graph.invoke(ask(), thread());
      expect(calls).toHaveLength(3);
      const answer = (result["messages"] as ToolMessage[]).find(({ type }) => type === "tool");
      expect(answer?.text).toContain("503 Service Unavailable");
      expect(classifyFailure(answer).failureClass).toBe("retry-budget-overflow");
      expect(events.filter(({ name }) => name === "budget-exhausted")).toHaveLength(1);
    }
  });

  test("of a model that is refused ends the run with the failure before it in its words", async () => {
    const model = scriptedModel(() => ({ error: unavailable() }));
    const graph = agentOf({
      tools: [lookUp().tool],
      model,
      middleware: [modelRetry(5), budgetMiddleware({ ...alone(), perExecution: { retries: 1 } })],
    });
    expect(await codeOf(graph.invoke(ask(), thread()))).toBe("budget-exhausted");
    expect(model.calls).toHaveLength(2);
    await expect(graph.invoke(ask(), thread("two"))).rejects.toThrow(/503 Service Unavailable/);
  });

  test("is granted in observe, and reported", async () => {
    const events: EvenkeelEvent[] = [];
    const { tool, calls } = lookUp(overloaded);
    const budget = budgetMiddleware({
      ...alone(),
      mode: "observe",
      retryBudget: { perExecution: 1 },
    });
    const graph = agentOf({
      tools: [tool],
      events,
      model: seeker({ turns: 1 }),
      middleware: [askingRetry("askingMiddleware", 4, []), budget],
    });
    await graph.invoke(ask(), thread()).catch(() => undefined);
    expect(calls).toHaveLength(4);
    expect(events.map(({ name }) => name)).toContain("budget-exhausted");
  });
});

describe("the bucket of a provider", () => {
  const drained = async (options: BudgetMiddlewareOptions, id: string): Promise<number> => {
    const { tool, calls } = lookUp(overloaded);
    const graph = agentOf({
      tools: [tool],
      model: seeker({ turns: 1 }),
      middleware: [toolRetry(9), budgetMiddleware(options)],
    });
    await graph.invoke(ask(), thread(id)).catch(() => undefined);
    return calls.length;
  };

  test("is shared by the executions of a scope in this process", async () => {
    const options = { ...alone(), retryBudget: { perProvider: 6 } };
    expect([
      await drained(options, "one"),
      await drained(options, "two"),
      await drained({ ...options, ...alone() }, "three"),
    ]).toEqual([7, 1, 7]);
  });

  test("is each thread's own by default", async () => {
    const options = { retryBudget: { perProvider: 3 } };
    expect([await drained(options, "mine"), await drained(options, "theirs")]).toEqual([4, 4]);
  });
});

test("native createAgent has the same retry budget", async () => {
  const { tool, calls } = lookUp(overloaded);
  const agent = createAgent({
    model: seeker({ turns: 1 }),
    tools: [tool],
    middleware: [
      toolRetry(9) as never,
      budgetMiddleware({ ...alone(), retryBudget: { perExecution: 3 } }) as never,
    ],
  });
  const result = await agent.invoke(ask() as never);
  expect(calls).toHaveLength(4);
  expect(dangling(result)).toEqual([]);
});

interface Kept {
  readonly spent: { readonly execution: object };
}
