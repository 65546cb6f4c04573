import { HumanMessage } from "@langchain/core/messages";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { createDeepAgent } from "deepagents";
import { createAgent, providerStrategy, toolStrategy } from "langchain";
import { z } from "zod";

import type { Kit } from "./kit.ts";
import type { GraphKind } from "./state-graphs.ts";

const INPUT = { messages: [new HumanMessage({ content: "Where are my orders?", id: "human-1" })] };

const TURNS = [
  {
    toolCalls: [
      { name: "look_up", args: { order: 7 }, id: "call-1" },
      { name: "look_up", args: { order: 8 }, id: "call-2" },
    ],
  },
  { content: "Both orders were delivered." },
];

const Verdict = z.object({ delivered: z.boolean() });

function toolNames(parameters: Readonly<Record<string, unknown>>): string[] {
  const tools = (parameters["tools"] ?? []) as { function: { name: string } }[];
  return tools.map((tool) => tool.function.name);
}

type ReactAgentOptions = Parameters<typeof createReactAgent>[0];

function reactAgent(
  options: (kit: Kit, tools: ReturnType<Kit["tool"]>[]) => Partial<ReactAgentOptions>,
): (kit: Kit) => object {
  return (kit) => {
    const tools = [kit.tool("look_up")];
    return createReactAgent({
      llm: kit.model(TURNS),
      tools,
      checkpointer: kit.checkpointer,
      ...options(kit, tools),
    });
  };
}

/** LangGraph's prebuilt agent in each of its forms. */
export const REACT_AGENTS: readonly GraphKind[] = [
  {
    title: "createReactAgent v1",
    build: reactAgent(() => ({ version: "v1" })),
    input: INPUT,
    models: 2,
    tools: 2,
  },
  {
    title: "createReactAgent v2",
    build: reactAgent(() => ({ version: "v2", prompt: "You help." })),
    input: INPUT,
    models: 2,
    tools: 2,
  },
  {
    title: "createReactAgent with a model whose tools are bound",
    build: reactAgent((kit, tools) => ({ llm: kit.model(TURNS).bindTools(tools) })),
    input: INPUT,
    models: 2,
    tools: 2,
  },
  {
    title: "createReactAgent with a response format",
    build: reactAgent((kit) => ({
      llm: kit.model(({ parameters, messages }) => {
        if (toolNames(parameters).includes("extract")) return { json: { delivered: true } };
        return messages.at(-1)?.type === "human"
          ? { toolCalls: [{ name: "look_up", args: { order: 7 }, id: "call-1" }] }
          : { content: "It was delivered." };
      }),
      responseFormat: Verdict,
    })),
    input: INPUT,
    models: 3,
    tools: 1,
  },
  {
    title: "createReactAgent with a model chosen per call",
    build: (kit) => {
      const tools = [kit.tool("look_up")];
      const model = kit.model(TURNS);
      return createReactAgent({
        llm: async () => model.bindTools(tools),
        tools,
        checkpointer: kit.checkpointer,
      });
    },
    input: INPUT,
    models: 2,
    tools: 2,
  },
];

/** Agents that run LangChain's middleware themselves. */
export const NATIVE_AGENTS: readonly GraphKind[] = [
  {
    title: "createAgent",
    build: (kit) =>
      createAgent({
        model: kit.model(TURNS),
        tools: [kit.tool("look_up")],
        systemPrompt: "You help.",
        checkpointer: kit.checkpointer,
      }),
    input: INPUT,
    models: 2,
    tools: 2,
  },
  {
    title: "createAgent with nothing wrapped",
    build: (kit) =>
      createAgent({
        model: kit.bareModel(TURNS),
        tools: [kit.tool("look_up")],
        checkpointer: kit.checkpointer,
      }),
    input: INPUT,
    models: 2,
    tools: 2,
  },
  {
    title: "createAgent v1",
    build: (kit) =>
      createAgent({
        model: kit.model(TURNS),
        tools: [kit.tool("look_up")],
        version: "v1",
        checkpointer: kit.checkpointer,
      }),
    input: INPUT,
    models: 2,
    tools: 2,
  },
  {
    title: "createAgent with a provider's structured output",
    build: (kit) =>
      createAgent({
        model: kit.model([{ content: '{"delivered":true}' }]),
        tools: [kit.tool("look_up")],
        responseFormat: providerStrategy(Verdict),
        checkpointer: kit.checkpointer,
      }),
    input: INPUT,
    models: 1,
    tools: 0,
  },
  {
    title: "createAgent with structured output by a tool",
    build: (kit) =>
      createAgent({
        model: kit.model([
          { toolCalls: [{ name: "verdict", args: { delivered: true }, id: "call-1" }] },
        ]),
        tools: [kit.tool("look_up")],
        // A title, since the names LangChain makes up count on from one agent to the next.
        responseFormat: toolStrategy({
          title: "verdict",
          type: "object",
          properties: { delivered: { type: "boolean" } },
          required: ["delivered"],
        }),
        checkpointer: kit.checkpointer,
      }),
    input: INPUT,
    models: 1,
    tools: 0,
  },
  {
    title: "createDeepAgent with a subagent",
    build: (kit) =>
      createDeepAgent({
        model: kit.model([
          {
            toolCalls: [
              {
                name: "task",
                args: { subagent_type: "clerk", description: "look up the orders" },
                id: "call-task",
              },
            ],
          },
          { content: "Both orders were delivered." },
        ]),
        subagents: [
          {
            name: "clerk",
            description: "Looks orders up.",
            systemPrompt: "You look orders up.",
            model: kit.model(TURNS),
            tools: kit.wrapTools([kit.tool("look_up")]),
          },
        ],
        checkpointer: kit.checkpointer,
      }) as object,
    input: INPUT,
    models: 4,
    tools: 3,
  },
];
