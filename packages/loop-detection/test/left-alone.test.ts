import { withMiddleware, wrapModel } from "@evenkeel/core";
import { scriptedModel, startOpenAIEndpoint } from "@evenkeel/testing";
import type { OpenAIEndpoint } from "@evenkeel/testing";
import { AIMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";

import { loopDetectionMiddleware } from "../src/index.ts";
import { ask, textsOf, thread, toldTo } from "./support/agent.ts";
import type { ScriptedReply } from "./support/agent.ts";
import { counted } from "./support/shop.ts";

const again: ScriptedReply = { toolCalls: [{ name: "look_up", args: { order: 7 } }] };
const repliesIn = (messages: readonly BaseMessage[]): number =>
  messages.filter(({ type }) => type === "ai").length;

describe("a call that somebody edited after the model made it", () => {
  test("is another call, and made", async () => {
    const asked: unknown[] = [];
    const look = counted("look_up", (given) => {
      asked.push(given["order"]);
      return "nothing";
    });
    const model = scriptedModel(({ messages }) =>
      repliesIn(messages) < 6 ? again : { content: "done" },
    );
    const bound = wrapModel(model).bindTools([look.tool]);
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => ({ messages: [await bound.invoke(messages)] }))
      // A person corrects the sixth call, which would be the first one that is blocked.
      .addNode("review", ({ messages }) => {
        const last = messages.at(-1);
        if (!AIMessage.isInstance(last) || repliesIn(messages) !== 6) return {};
        const calls = (last.tool_calls ?? []).map((call) => ({ ...call, args: { order: 8 } }));
        return {
          messages: [
            new AIMessage({ id: last.id ?? "", content: last.content, tool_calls: calls }),
          ],
        };
      })
      .addNode("tools", new ToolNode([look.tool]))
      .addEdge(START, "agent")
      .addEdge("agent", "review")
      .addConditionalEdges("review", toolsCondition)
      .addEdge("tools", "agent")
      .compile({ checkpointer: new MemorySaver() });
    await withMiddleware(graph, [loopDetectionMiddleware()]).invoke(ask("Look."), thread());
    expect(asked).toEqual([7, 7, 7, 7, 7, 8]);
  });
});

test("a history whose newest turns were taken back is not told of them", async () => {
  const look = counted("look_up", () => "nothing");
  const model = scriptedModel(({ messages }) =>
    repliesIn(messages) < 3 ? again : { content: "done" },
  );
  const bound = wrapModel(model).bindTools([look.tool]);
  let takeBack = false;
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => {
      const reply = await bound.invoke(messages);
      // Once told of three equal turns, it asks again as if there had been one.
      if (repliesIn(messages) < 3) return { messages: [reply] };
      takeBack = true;
      await bound.invoke(messages.slice(0, 3));
      return { messages: [reply] };
    })
    .addNode("tools", new ToolNode([look.tool]))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile({ checkpointer: new MemorySaver() });
  await withMiddleware(graph, [loopDetectionMiddleware()]).invoke(ask("Look."), thread());
  expect(takeBack).toBe(true);
  expect(model.calls.map(toldTo).map((told) => told !== undefined)).toEqual([
    false,
    false,
    false,
    true,
    false,
  ]);
});

describe("over the wire", () => {
  let endpoint: OpenAIEndpoint | undefined;
  beforeAll(async () => {
    endpoint = await startOpenAIEndpoint({
      script: ({ messages, tools, tool_choice: choice }) => {
        const replies = messages.filter(({ role }) => role === "assistant").length;
        if (tools?.some((tool) => tool.function?.name === "route") === true) {
          return { json: { next: replies < 10 ? "agent" : "end" } };
        }
        if (tools === undefined) return { content: "Nobody knows." };
        return replies < 10 || choice !== undefined ? again : { content: "done" };
      },
    });
  });
  afterAll(() => endpoint?.close());
  beforeEach(() => endpoint?.clear());

  const chat = (): ChatOpenAI =>
    new ChatOpenAI({
      model: "gpt-5.2",
      apiKey: "test",
      maxRetries: 0,
      configuration: { baseURL: endpoint?.url ?? "" },
    });
  const bodies = (): Record<string, unknown>[] =>
    (endpoint?.requests ?? []).map(({ rawBody }) => JSON.parse(rawBody) as Record<string, unknown>);
  const agentOn = (
    bind: (look: ReturnType<typeof counted>) => {
      invoke(input: BaseMessage[]): Promise<BaseMessage>;
    },
    steps: number,
  ) => {
    const look = counted("look_up", () => "nothing");
    const bound = bind(look);
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => ({ messages: [await bound.invoke(messages)] }))
      .addNode("tools", new ToolNode([look.tool]))
      .addEdge(START, "agent")
      .addConditionalEdges("agent", (state) =>
        repliesIn(state.messages) >= steps ? "__end__" : toolsCondition(state),
      )
      .addEdge("tools", "agent")
      .compile({ checkpointer: new MemorySaver() });
    const loops = loopDetectionMiddleware({ steerAfter: 2, blockAfter: false, stopAfter: 3 });
    return withMiddleware(graph, [loops]);
  };

  test("the last request carries no setting that only tools can have", async () => {
    const agent = agentOn(
      ({ tool }) => wrapModel(chat()).bindTools([tool], { parallel_tool_calls: false }),
      20,
    );
    const output = await agent.invoke(ask("Order 7?"), thread());
    expect(textsOf(output).at(-1)).toBe("Nobody knows.");
    expect(bodies().map((body) => body["parallel_tool_calls"])).toEqual([
      false,
      false,
      false,
      undefined,
    ]);
  });

  test("a model that is bound to one tool can do nothing else, and is told nothing", async () => {
    const agent = agentOn(
      ({ tool }) => wrapModel(chat()).bindTools([tool], { tool_choice: "look_up" }),
      6,
    );
    await agent.invoke(ask("Order 7?"), thread());
    expect(bodies()).toHaveLength(6);
    for (const body of bodies()) {
      expect(JSON.stringify(body["messages"])).not.toContain("You called");
      expect(body).toHaveProperty("tool_choice");
    }
  });

  test("a router that reads the same history keeps its form, and is told nothing", async () => {
    const look = counted("look_up", () => "nothing");
    const agent = wrapModel(chat()).bindTools([look.tool]);
    const route = z.object({ next: z.enum(["agent", "end"]) });
    const router = wrapModel(chat()).withStructuredOutput(route, {
      name: "route",
      method: "functionCalling",
    });
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => ({ messages: [await agent.invoke(messages)] }))
      .addNode("tools", new ToolNode([look.tool]))
      .addNode("router", async ({ messages }) => {
        await router.invoke(messages);
        return {};
      })
      .addEdge(START, "agent")
      .addConditionalEdges("agent", toolsCondition)
      .addEdge("tools", "router")
      .addEdge("router", "agent")
      .compile({ checkpointer: new MemorySaver() });
    const loops = loopDetectionMiddleware({ steerAfter: 2, blockAfter: false, stopAfter: 4 });
    await withMiddleware(graph, [loops]).invoke(ask("Order 7?"), thread());
    const routed = bodies().filter((body) => JSON.stringify(body["tools"] ?? "").includes("route"));
    expect(routed).toHaveLength(4);
    for (const body of routed) expect(JSON.stringify(body)).not.toContain("You called");
    const told = bodies().filter((body) => JSON.stringify(body).includes("You called"));
    expect(told).toHaveLength(3);
  });
});
