import { withMiddleware, wrapModel, wrapTools } from "@evenkeel/core";
import { scriptedModel } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { expect, test } from "vitest";
import { z } from "zod";

import { budgetMiddleware } from "../src/index.ts";

/** Counts what is kept beside checkpoints, and shows the newest of it. */
class WatchedSaver extends MemorySaver {
  readonly kept: { calls: number; tokens: number }[] = [];

  override async putWrites(...given: Parameters<MemorySaver["putWrites"]>): Promise<void> {
    const [, writes, taskId] = given;
    // A memo's id is of version 7; LangGraph's own task ids are of version 5.
    if (taskId[14] === "7") {
      for (const [channel, value] of writes) {
        if (channel !== "_budget") continue;
        const { sums } = (value as Kept).d.spent.execution;
        this.kept.push({ calls: sums.modelCalls ?? 0, tokens: sums.tokens ?? 0 });
      }
    }
    return super.putWrites(...given);
  }
}

interface Kept {
  readonly d: {
    readonly spent: {
      readonly execution: { readonly sums: { modelCalls?: number; tokens?: number } };
    };
  };
}

const usage = { promptTokens: 60, completionTokens: 40 };

function setUp(parts: {
  readonly limits: { tokens?: number; modelCalls?: number };
  readonly afterModel?: () => Promise<void>;
  readonly inTool?: () => void;
  readonly durability?: "async";
}) {
  const { limits, afterModel, inTool, durability } = parts;
  let calls = 0;
  const model = wrapModel(
    scriptedModel(() =>
      calls++ < 3
        ? { toolCalls: [{ name: "look_up", args: {} }], usage }
        : { content: "Here.", usage },
    ),
  );
  const lookUp = tool(
    async () => {
      inTool?.();
      return "nothing";
    },
    { name: "look_up", description: "Looks up", schema: z.object({}) },
  );
  const checkpointer = new WatchedSaver();
  const graph = withMiddleware(
    new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => {
        const answer = await model.invoke(messages);
        await afterModel?.();
        return { messages: [answer] };
      })
      .addNode("tools", new ToolNode([lookUp]))
      .addEdge(START, "agent")
      .addConditionalEdges("agent", toolsCondition)
      .addEdge("tools", "agent"),
    [budgetMiddleware({ perExecution: limits })],
    { checkpointer },
  );
  const config = { configurable: { thread_id: "kept" }, ...(durability && { durability }) };
  return { checkpointer, run: () => graph.invoke({ messages: [new HumanMessage("?")] }, config) };
}

test("what a model call came to goes with its node; beside the checkpoint it is kept before the call, and at the end", async () => {
  const { checkpointer, run } = setUp({ limits: { tokens: 10_000, modelCalls: 20 } });
  await run();
  expect(checkpointer.kept).toEqual([
    { calls: 1, tokens: 0 },
    { calls: 2, tokens: 100 },
    { calls: 3, tokens: 200 },
    { calls: 4, tokens: 300 },
    { calls: 4, tokens: 400 },
  ]);
});

test("where only tokens are limited it is kept beside the checkpoint once, for the forks of the execution", async () => {
  const { checkpointer, run } = setUp({ limits: { tokens: 10_000 } });
  await run();
  expect(checkpointer.kept).toEqual([{ calls: 4, tokens: 400 }]);
});

test("a node that goes on for long after its model call does not keep it waiting", async () => {
  let kept: unknown;
  const subject = setUp({
    limits: { tokens: 10_000 },
    async afterModel() {
      await new Promise((resolve) => setTimeout(resolve, 250));
      kept ??= subject.checkpointer.kept.at(-1);
    },
  });
  await subject.run();
  expect(kept).toEqual({ calls: 1, tokens: 100 });
});

test("nothing is left to a node where its checkpoint may come late", async () => {
  const seen: unknown[] = [];
  const subject = setUp({
    limits: { tokens: 10_000 },
    durability: "async",
    inTool: () => seen.push(subject.checkpointer.kept.at(-1)?.tokens),
  });
  await subject.run();
  expect(seen).toEqual([100, 200, 300]);
});

test("a tool that the same node calls waits until what its model call came to is kept", async () => {
  const seen: unknown[] = [];
  const model = wrapModel(
    scriptedModel([
      { toolCalls: [{ name: "look_up", args: {} }], usage },
      { content: "Here.", usage },
    ]),
  );
  const lookUp = tool(
    async () => {
      seen.push(checkpointer.kept.at(-1)?.tokens);
      return "nothing";
    },
    { name: "look_up", description: "Looks up", schema: z.object({}) },
  );
  const checkpointer = new WatchedSaver();
  const tools = wrapTools([lookUp]);
  const graph = withMiddleware(
    new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => {
        const asked = await model.invoke(messages);
        const [call] = asked.tool_calls ?? [];
        const found = await tools[0]?.invoke({
          name: "look_up",
          args: {},
          ...call,
          type: "tool_call",
        });
        if (found === undefined) throw new Error("no answer");
        return { messages: [asked, found, await model.invoke([...messages, asked, found])] };
      })
      .addEdge(START, "agent"),
    [budgetMiddleware({ perExecution: { tokens: 10_000 } })],
    { checkpointer },
  );
  await graph.invoke(
    { messages: [new HumanMessage("?")] },
    { configurable: { thread_id: "loop" } },
  );
  expect(seen).toEqual([100]);
});
