import { withMiddleware, wrapModel } from "@evenkeel/core";
import type { AnyMiddleware } from "@evenkeel/core";
import { failureRetryMiddleware } from "@evenkeel/failure-retry";
import { budgetMiddleware } from "@evenkeel/limits";
import { scriptedModel } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { modelRetryMiddleware, toolRetryMiddleware } from "langchain";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const unavailable = (): Error => Object.assign(new Error("503 unavailable"), { status: 503 });
const quick = { initialDelayMs: 0, jitter: false } as const;

/** Attempts of ours, retries of ours and of LangChain's, and a node that LangGraph runs again. */
function layers(): AnyMiddleware[] {
  return [
    failureRetryMiddleware({
      maxAttempts: 3,
      maxCallTries: 3,
      initialInterval: 1,
      maxInterval: 1,
      jitter: false,
      repeatableTools: ["probe"],
    }),
    modelRetryMiddleware({ ...quick, maxRetries: 2, onFailure: "error" }) as never,
    toolRetryMiddleware({ ...quick, maxRetries: 2, onFailure: "error" }) as never,
  ];
}

/** Runs an agent whose model, or whose tool, is down; counts what reaches it. */
async function callsOf(down: "model" | "tool", budget: readonly AnyMiddleware[]): Promise<number> {
  let calls = 0;
  const fail = (): never => {
    calls += 1;
    throw unavailable();
  };
  const model = scriptedModel(({ messages }) => {
    if (down === "model") {
      calls += 1;
      return { error: unavailable() };
    }
    return messages.some(({ type }) => type === "tool")
      ? { content: "done" }
      : { toolCalls: [{ name: "probe", args: {} }] };
  });
  const probe = tool(fail, { name: "probe", description: "Probes", schema: z.object({}) });
  const bound = wrapModel(model).bindTools([probe]);
  const again = {
    retryPolicy: {
      maxAttempts: 3,
      initialInterval: 1,
      jitter: false,
      retryOn: () => true,
      logWarning: false,
    },
  };
  const graph = withMiddleware(
    new StateGraph(MessagesAnnotation)
      .addNode(
        "agent",
        async ({ messages }) => ({ messages: [await bound.invoke(messages)] }),
        again,
      )
      .addNode("tools", new ToolNode([probe], { handleToolErrors: false }), again)
      .addEdge(START, "agent")
      .addConditionalEdges("agent", toolsCondition)
      .addEdge("tools", "agent"),
    [...layers(), ...budget],
    { checkpointer: new MemorySaver() },
  );
  await graph
    .invoke({ messages: [new HumanMessage("Probe it.")] }, { configurable: { thread_id: "t" } })
    .catch(() => undefined);
  return calls;
}

let scopes = 0;
const budget = (perExecution: number): AnyMiddleware => {
  const scope = `scope-${(scopes += 1)}`;
  return budgetMiddleware({ scope: () => scope, retryBudget: { perExecution } });
};

describe.each(["model", "tool"] as const)(
  "four layers of retry around a %s that is down",
  (down) => {
    test("make no more calls than one budget pays for", async () => {
      const paid = await callsOf(down, [budget(6)]);
      // The first call, six that are paid for at most; a new attempt is paid for as well.
      expect(paid).toBeLessThanOrEqual(7);
      expect(paid).toBeGreaterThan(1);
      expect(await callsOf(down, [])).toBeGreaterThan(2 * paid);
    });

    test("make one call without anything to pay with", async () => {
      expect(await callsOf(down, [budget(0)])).toBe(1);
    });
  },
);
