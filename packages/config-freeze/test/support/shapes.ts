import { wrapModel } from "@evenkeel/core";
import { AIMessage, SystemMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { Annotation, END, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { ToolNode, createReactAgent, toolsCondition } from "@langchain/langgraph/prebuilt";
import { createDeepAgent } from "deepagents";
import { createAgent } from "langchain";

/** What the graphs of the crash matrix are built of; `site` says which model call is meant. */
export interface ShapeParts {
  model(site: string): object;
  prompt(site: string): string;
  readonly tools: StructuredToolInterface[];
  readonly checkpointer: BaseCheckpointSaver;
}

/** The graphs an execution is killed in. */
export const SHAPES = [
  "three prompts",
  "subgraphs",
  "createReactAgent v1",
  "createReactAgent v2",
  "createAgent",
  "deepagents",
] as const;

/** One of them. */
export type Shape = (typeof SHAPES)[number];

const BUILDERS: Record<Shape, (parts: ShapeParts) => object> = {
  "three prompts": threePrompts,
  subgraphs,
  "createReactAgent v1": (parts) => reactAgent(parts, "v1"),
  "createReactAgent v2": (parts) => reactAgent(parts, "v2"),
  createAgent: nativeAgent,
  deepagents: deepAgent,
};

/** Builds a graph as its user would have. */
export function buildShape(shape: Shape, parts: ShapeParts): object {
  return BUILDERS[shape](parts);
}

interface Chat {
  bindTools(tools: StructuredToolInterface[]): Chat;
  invoke(messages: BaseMessage[]): Promise<BaseMessage>;
}

function chat(parts: ShapeParts, site: string): Chat {
  return wrapModel(parts.model(site)) as Chat;
}

/** Three nodes, three models, three prompts; one of the prompts says how far the work is. */
function threePrompts(parts: ShapeParts): object {
  const { tools, checkpointer } = parts;
  const State = Annotation.Root({
    ...MessagesAnnotation.spec,
    round: Annotation<number>({ reducer: (_, next) => next, default: () => 0 }),
  });
  const extract = chat(parts, "extract");
  const act = chat(parts, "act").bindTools(tools);
  const write = chat(parts, "write");
  return new StateGraph(State)
    .addNode("extract", async ({ messages }) => ({
      messages: [await extract.invoke([new SystemMessage(parts.prompt("extract")), ...messages])],
    }))
    .addNode("act", async ({ messages, round }) => {
      const prompt = `${parts.prompt("act")} This is round ${round}.`;
      return { messages: [await act.invoke([new SystemMessage(prompt), ...messages])] };
    })
    .addNode("tools", new ToolNode(tools))
    .addNode("write", async ({ messages, round }) => ({
      messages: [await write.invoke([new SystemMessage(parts.prompt("write")), ...messages])],
      round: round + 1,
    }))
    .addEdge(START, "extract")
    .addEdge("extract", "act")
    .addConditionalEdges("act", toolsCondition, { tools: "tools", [END]: "write" })
    .addEdge("tools", "write")
    .addConditionalEdges("write", ({ round }) => (round < 3 ? "extract" : END), ["extract", END])
    .compile({ checkpointer });
}

/** An agent in a subgraph, and a reviewer after it. */
function subgraphs(parts: ShapeParts): object {
  const { tools, checkpointer } = parts;
  const agent = chat(parts, "agent").bindTools(tools);
  const review = chat(parts, "review");
  const team = new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({
      messages: [await agent.invoke([new SystemMessage(parts.prompt("agent")), ...messages])],
    }))
    .addNode("tools", new ToolNode(tools))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile();
  return new StateGraph(MessagesAnnotation)
    .addNode("team", team)
    .addNode("review", async ({ messages }) => ({
      messages: [await review.invoke([new SystemMessage(parts.prompt("review")), ...messages])],
    }))
    .addEdge(START, "team")
    .addEdge("team", "review")
    .compile({ checkpointer });
}

function reactAgent(parts: ShapeParts, version: "v1" | "v2"): object {
  const { tools, checkpointer } = parts;
  const llm = chat(parts, "agent") as never;
  return createReactAgent({ llm, tools, prompt: parts.prompt("agent"), version, checkpointer });
}

function nativeAgent(parts: ShapeParts): object {
  const { tools, checkpointer } = parts;
  const model = parts.model("agent") as never;
  return createAgent({ model, tools, systemPrompt: parts.prompt("agent"), checkpointer });
}

/** A deep agent with a subagent, which shares its tools. */
function deepAgent(parts: ShapeParts): object {
  const { tools, checkpointer } = parts;
  return createDeepAgent({
    model: chat(parts, "agent") as never,
    tools: tools as never,
    systemPrompt: parts.prompt("agent"),
    subagents: [
      {
        name: "clerk",
        description: "Looks orders up.",
        systemPrompt: parts.prompt("clerk"),
        model: chat(parts, "clerk") as never,
        tools: tools as never,
      },
    ],
    checkpointer,
  }) as object;
}

/** The last thing said, whichever graph said it. */
export function lastText(result: Record<string, unknown>): string {
  const last = (result["messages"] as BaseMessage[]).findLast((one) => AIMessage.isInstance(one));
  return last?.text ?? "";
}
