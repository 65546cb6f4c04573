import { withMiddleware, wrapModel } from "@evenkeel/core";
import type { EvenkeelEvent } from "@evenkeel/core";
import { AIMessage, HumanMessage, SystemMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import {
  Command,
  MemorySaver,
  MessagesAnnotation,
  START,
  StateGraph,
  interrupt,
} from "@langchain/langgraph";
import { ToolNode, createReactAgent, toolsCondition } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import { createAgent } from "langchain";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";

import { startOpenAIEndpoint } from "../../testing/src/openai-endpoint.ts";
import type { OpenAIEndpoint } from "../../testing/src/openai-endpoint.ts";
import { replyByTurn } from "../../testing/src/openai-script.ts";
import { configFreezeMiddleware } from "../src/index.ts";
import type { ConfigFreezeMiddlewareOptions } from "../src/index.ts";

/** One version of the code: what a deploy changes. */
interface Release {
  prompt: string;
  model: string;
  temperature: number;
  tools: ("approve" | "refund" | "cancel")[];
  refundArgument: "amount" | "cents";
}
const monday: Release = {
  prompt: "You are kind.",
  model: "gpt-5.2",
  temperature: 0.1,
  tools: ["approve", "refund"],
  refundArgument: "amount",
};
const tuesday: Release = {
  prompt: "You are strict.",
  model: "gpt-4.1",
  temperature: 0.9,
  tools: ["approve", "cancel"],
  refundArgument: "amount",
};

let endpoint: OpenAIEndpoint;
beforeAll(async () => {
  endpoint = await startOpenAIEndpoint({
    script: replyByTurn([
      { toolCalls: [{ name: "approve", args: { order: "A1" } }] },
      { toolCalls: [{ name: "refund", args: { amount: 5 } }] },
      { content: "done" },
    ]),
  });
});
afterAll(() => endpoint.close());
beforeEach(() => endpoint.clear());

function toolsOf(release: Release) {
  const all = {
    approve: tool(({ order }: { order: string }) => String(interrupt(`approve ${order}?`)), {
      name: "approve",
      description: "Asks a person.",
      schema: z.object({ order: z.string() }),
    }),
    refund: tool((input: Record<string, number>) => `refunded ${JSON.stringify(input)}`, {
      name: "refund",
      description: "Pays back.",
      schema: z.object({ [release.refundArgument]: z.number() }),
    }),
    cancel: tool(() => "cancelled", {
      name: "cancel",
      description: "Cancels.",
      schema: z.object({}),
    }),
  };
  return release.tools.map((name) => all[name]);
}

function modelOf(release: Release) {
  return new ChatOpenAI({
    model: release.model,
    temperature: release.temperature,
    apiKey: "key-of-the-live-process",
    configuration: { baseURL: endpoint.url },
    maxRetries: 0,
  });
}

type Shape = "StateGraph" | "createReactAgent v1" | "createReactAgent v2" | "createAgent";
const shapes: Shape[] = ["StateGraph", "createReactAgent v1", "createReactAgent v2", "createAgent"];

// oxlint-disable-next-line typescript/no-explicit-any
function deploy(
  shape: Shape,
  release: Release,
  saver: MemorySaver,
  options?: Partial<ConfigFreezeMiddlewareOptions> | null,
  events: EvenkeelEvent[] = [],
): any {
  const tools = toolsOf(release);
  const stack = options === null ? [] : [configFreezeMiddleware(options)];
  const run = { onEvent: (event: EvenkeelEvent) => void events.push(event) };
  const model = modelOf(release);
  if (shape === "StateGraph") {
    const wrapped = wrapModel(model);
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => ({
        messages: [
          await wrapped.bindTools(tools).invoke([new SystemMessage(release.prompt), ...messages]),
        ],
      }))
      .addNode("tools", new ToolNode(tools))
      .addEdge(START, "agent")
      .addConditionalEdges("agent", toolsCondition)
      .addEdge("tools", "agent")
      .compile({ checkpointer: saver });
    return withMiddleware(graph, stack, run);
  }
  if (shape === "createAgent") {
    const agent = createAgent({ model, tools, systemPrompt: release.prompt, checkpointer: saver });
    return withMiddleware(agent, stack, run);
  }
  const version = shape === "createReactAgent v1" ? "v1" : "v2";
  const agent = createReactAgent({
    llm: wrapModel(model),
    tools,
    prompt: release.prompt,
    version,
    checkpointer: saver,
  });
  return withMiddleware(agent, stack, run);
}

/** What a request says beside the conversation, as the endpoint received it. */
function frozenPartOf(index: number): unknown {
  const { messages, ...rest } = JSON.parse(endpoint.requests[index]?.rawBody ?? "{}") as {
    messages: { role: string }[];
  };
  const told = messages.filter(({ role }) => role === "system" || role === "developer");
  return JSON.stringify({ told, ...rest });
}

describe.each(shapes)("%s", (shape) => {
  test("keeps prompt, model, settings and tools over a deploy between interrupt and resume", async () => {
    const saver = new MemorySaver();
    const config = { configurable: { thread_id: "t" } };
    const input = { messages: [new HumanMessage("refund A1")] };
    const events: EvenkeelEvent[] = [];
    await deploy(shape, monday, saver).invoke(input, config);
    const refund = toolsOf(monday)[1];
    const next = deploy(shape, tuesday, saver, { tools: { refund } }, events);
    const result = await next.invoke(new Command({ resume: "yes" }), config);

    expect(endpoint.requests).toHaveLength(3);
    expect(frozenPartOf(1)).toBe(frozenPartOf(0));
    expect(frozenPartOf(2)).toBe(frozenPartOf(0));
    expect(result.messages.at(-1).text).toBe("done");
    const drift = events.filter(({ name }) => name === "config-drifted");
    expect(JSON.stringify(drift)).toContain("temperature");
    expect(events.map(({ sequence }) => sequence)).toEqual(
      events.map((_, i) => i + 1 + (events[0]?.sequence ?? 1) - 1),
    );
  });

  test("without it the resumed run changes configuration", async () => {
    const saver = new MemorySaver();
    const config = { configurable: { thread_id: "t" } };
    await deploy(shape, monday, saver, null).invoke(
      { messages: [new HumanMessage("refund A1")] },
      config,
    );
    await deploy(shape, tuesday, saver, null).invoke(new Command({ resume: "yes" }), config);
    expect(frozenPartOf(1)).not.toBe(frozenPartOf(0));
  });

  test("answers a call of a vanished tool with a code", async () => {
    const saver = new MemorySaver();
    const config = { configurable: { thread_id: "t" } };
    await deploy(shape, monday, saver).invoke(
      { messages: [new HumanMessage("refund A1")] },
      config,
    );
    const result = await deploy(shape, tuesday, saver).invoke(
      new Command({ resume: "yes" }),
      config,
    );
    const answer = result.messages.findLast((message: AIMessage) => message.getType() === "tool");
    expect(answer.additional_kwargs.evenkeel.code).toBe("tool-vanished");
  });

  test("answers arguments the changed tool refuses with a code", async () => {
    const saver = new MemorySaver();
    const config = { configurable: { thread_id: "t" } };
    await deploy(shape, monday, saver).invoke(
      { messages: [new HumanMessage("refund A1")] },
      config,
    );
    const wednesday: Release = { ...monday, refundArgument: "cents" };
    const result = await deploy(shape, wednesday, saver).invoke(
      new Command({ resume: "yes" }),
      config,
    );
    const answer = result.messages.findLast((message: AIMessage) => message.getType() === "tool");
    expect(answer.additional_kwargs.evenkeel.code).toBe("tool-changed");
    expect(frozenPartOf(1)).toBe(frozenPartOf(0));
  });
});
