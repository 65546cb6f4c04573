import { HumanMessage } from "@langchain/core/messages";
import { RunnableLambda } from "@langchain/core/runnables";
import { Annotation, END, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";

import type { Kit } from "./kit.ts";
import type { GraphKind } from "./state-graphs.ts";

const INPUT = { messages: [new HumanMessage({ content: "Where is order 7?", id: "human-1" })] };

interface InnerOptions {
  /** Keeps checkpoints of its own. */
  checkpointer?: true;
  /** Where no seam reaches it by itself, its tools have to be wrapped. */
  hidden?: true;
}

/** A small agent: one tool call, then an answer. Its tool call's id tells its rounds apart. */
export function innerAgent(kit: Kit, options: InnerOptions = {}): object & { invoke: Invoke } {
  const { checkpointer, hidden = false } = options;
  const lookUp = kit.tool("look_up");
  let round = 0;
  const model = kit
    .model(({ messages }) => {
      if (messages.at(-1)?.type === "tool") return { content: "It was delivered." };
      round += 1;
      return { toolCalls: [{ name: "look_up", args: { round }, id: `call-${round}` }] };
    })
    .bindTools([lookUp]);
  return new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
    .addNode("tools", new ToolNode(hidden ? kit.wrapTools([lookUp]) : [lookUp]))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile(checkpointer === undefined ? {} : { checkpointer });
}

type Messages = typeof MessagesAnnotation.State;
type Invoke = (state: Messages, config?: object) => Promise<Messages>;
type SubgraphNode = RunnableLambda<Messages, Messages>;

function asNode(graph: object): SubgraphNode {
  return graph as SubgraphNode;
}

function around(inner: object): StateGraph<typeof MessagesAnnotation.spec> {
  return new StateGraph(MessagesAnnotation)
    .addNode("helper", asNode(inner))
    .addEdge(START, "helper") as unknown as StateGraph<typeof MessagesAnnotation.spec>;
}

function twice(inner: object): object {
  const state = Annotation.Root({
    ...MessagesAnnotation.spec,
    rounds: Annotation<number>({ reducer: (sum, more) => sum + more, default: () => 0 }),
  });
  return new StateGraph(state)
    .addNode("helper", asNode(inner))
    .addNode("count", () => ({
      rounds: 1,
      messages: [new HumanMessage({ content: "And order 8?", id: "human-2" })],
    }))
    .addEdge(START, "helper")
    .addEdge("helper", "count")
    .addConditionalEdges("count", ({ rounds }) => (rounds < 2 ? "helper" : END));
}

/** Graphs inside graphs, in every way LangGraph has. */
export const NESTED_GRAPHS: readonly GraphKind[] = [
  {
    title: "a subgraph as a node",
    build: (kit) => around(innerAgent(kit)),
    input: INPUT,
    models: 2,
    tools: 1,
  },
  {
    title: "a subgraph with its own checkpoints",
    build: (kit) => around(innerAgent(kit, { checkpointer: true })),
    input: INPUT,
    models: 2,
    tools: 1,
  },
  {
    title: "a subgraph in a subgraph",
    build: (kit) => around(around(innerAgent(kit)).compile()),
    input: INPUT,
    models: 2,
    tools: 1,
  },
  {
    title: "a subgraph run twice",
    build: (kit) => twice(innerAgent(kit)),
    input: INPUT,
    models: 4,
    tools: 2,
  },
  {
    title: "a subgraph with its own checkpoints run twice",
    build: (kit) => twice(innerAgent(kit, { checkpointer: true })),
    input: INPUT,
    models: 4,
    tools: 2,
  },
  {
    title: "a subgraph piped into a function",
    build: (kit) =>
      around(
        asNode(innerAgent(kit)).pipe(
          RunnableLambda.from((state: Messages) => ({ messages: state.messages.slice(-1) })),
        ),
      ),
    input: INPUT,
    models: 2,
    tools: 1,
  },
  {
    title: "a graph invoked in a function node",
    build: (kit) => {
      const inner = innerAgent(kit, { hidden: true });
      return new StateGraph(MessagesAnnotation)
        .addNode("helper", async (state) => ({
          messages: (await inner.invoke(state)).messages.slice(1),
        }))
        .addEdge(START, "helper");
    },
    input: INPUT,
    models: 2,
    tools: 1,
  },
];
