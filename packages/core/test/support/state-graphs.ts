import { AIMessage, HumanMessage, SystemMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import {
  Annotation,
  Command,
  END,
  MessagesAnnotation,
  MessagesDeltaValue,
  MessagesValue,
  MessagesZodMeta,
  ReducedValue,
  START,
  Send,
  StateGraph,
  StateSchema,
  UntrackedValue,
} from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { registry } from "@langchain/langgraph/zod";
import { z } from "zod";
import { z as z3 } from "zod/v3";

import type { Build } from "./both.ts";
import type { Kit } from "./kit.ts";

/** A graph a user may have written, what goes in, and how many calls it makes. */
export interface GraphKind {
  readonly title: string;
  readonly build: Build;
  readonly input: Record<string, unknown>;
  /** Model calls of one run. */
  readonly models: number;
  /** Tool calls of one run that reach the tool node. */
  readonly tools: number;
}

const TURNS = [
  {
    toolCalls: [
      { name: "look_up", args: { order: 7 }, id: "call-1" },
      { name: "no_such_tool", args: {}, id: "call-2" },
    ],
  },
  { toolCalls: [{ name: "look_up", args: { order: 8 }, id: "call-3" }] },
  { content: "Both orders were delivered." },
];

const HELLO = { messages: [new HumanMessage({ content: "Where are my orders?", id: "human-1" })] };

function agentParts(kit: Kit): {
  agent: (state: { messages: BaseMessage[] }) => Promise<{ messages: BaseMessage[] }>;
  tools: ToolNode;
} {
  const lookUp = kit.tool("look_up");
  const model = kit.model(TURNS).bindTools([lookUp]);
  return {
    agent: async ({ messages }) => ({
      messages: [await model.invoke([new SystemMessage("You help."), ...messages])],
    }),
    tools: new ToolNode([lookUp]),
  };
}

const annotation: Build = (kit) => {
  const { agent, tools } = agentParts(kit);
  return new StateGraph(MessagesAnnotation)
    .addNode("agent", agent)
    .addNode("tools", tools)
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent");
};

const ZodState = z.object({
  messages: z.array(z.custom<BaseMessage>()).register(registry, MessagesZodMeta),
  steps: z.number().default(0),
});

function zodGraph(kit: Kit, schema: typeof ZodState): object {
  const { agent, tools } = agentParts(kit);
  return new StateGraph(schema)
    .addNode("agent", async (state) => ({ ...(await agent(state)), steps: state.steps + 1 }))
    .addNode("tools", tools)
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent");
}

const stateSchema: Build = (kit) => {
  const { agent, tools } = agentParts(kit);
  const schema = new StateSchema({
    messages: MessagesValue,
    steps: z.number().default(0),
    log: new ReducedValue(
      z.array(z.string()).default(() => []),
      { inputSchema: z.string(), reducer: (all: string[], line: string) => [...all, line] },
    ),
  });
  return new StateGraph(schema)
    .addNode("agent", async (state) => ({
      ...(await agent(state)),
      steps: state.steps + 1,
      log: `step ${state.steps}`,
    }))
    .addNode("tools", tools)
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent");
};

const ZodText = z.object({ text: z.string(), answer: z.string().optional() });

const zod3: Build = (kit) => {
  const model = kit.model(({ messages }) => ({ content: `heard ${messages[0]?.text}` }));
  const state = z3.object({ text: z3.string(), answer: z3.string().optional() });
  // LangGraph's types take zod 3 only where optional properties may be undefined.
  return new StateGraph(state as unknown as typeof ZodText)
    .addNode("agent", async ({ text }) => ({ answer: (await model.invoke(text)).text }))
    .addEdge(START, "agent");
};

const deltaMessages: Build = (kit) => {
  const { agent, tools } = agentParts(kit);
  const schema = new StateSchema({
    messages: MessagesDeltaValue,
    scratch: new UntrackedValue(z.string().default("")),
  });
  return new StateGraph(schema)
    .addNode("agent", async (state) => ({ ...(await agent(state)), scratch: "seen" }))
    .addNode("tools", tools)
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent");
};

const inputAndOutput: Build = (kit) => {
  const { agent, tools } = agentParts(kit);
  const state = Annotation.Root({
    ...MessagesAnnotation.spec,
    question: Annotation<string>,
    answer: Annotation<string>,
  });
  return new StateGraph({
    state,
    input: Annotation.Root({ question: Annotation<string> }),
    output: Annotation.Root({ answer: Annotation<string> }),
  })
    .addNode("ask", ({ question }) => ({
      messages: [new HumanMessage({ content: question, id: "human-1" })],
    }))
    .addNode("agent", agent)
    .addNode("tools", tools)
    .addNode("conclude", ({ messages }) => ({ answer: messages.at(-1)?.text ?? "" }))
    .addEdge(START, "ask")
    .addEdge("ask", "agent")
    .addConditionalEdges("agent", toolsCondition, { tools: "tools", [END]: "conclude" })
    .addEdge("tools", "agent");
};

const pipeline: Build = (kit) => {
  const extract = kit.model(() => ({ content: "refund of order 7" }));
  const classify = kit
    .model(() => ({ json: { kind: "refund" } }))
    .withStructuredOutput(z.object({ kind: z.string() }));
  const write = kit.model(() => ({ content: "Your refund is on its way." }));
  const state = Annotation.Root({
    text: Annotation<string>,
    fact: Annotation<string>,
    kind: Annotation<string>,
    letter: Annotation<string>,
  });
  return new StateGraph(state)
    .addNode("extract", async ({ text }) => ({ fact: (await extract.invoke(text)).text }))
    .addNode("classify", async ({ fact }) => ({ kind: (await classify.invoke(fact)).kind }))
    .addNode("write", async ({ kind, fact }) => ({
      letter: (await write.invoke([new SystemMessage(kind), new HumanMessage(fact)])).text,
    }))
    .addEdge(START, "extract")
    .addEdge("extract", "classify")
    .addEdge("classify", "write");
};

const mapReduce: Build = (kit) => {
  const model = kit.model(({ messages }) => ({ content: `a joke on ${messages[0]?.text}` }));
  const state = Annotation.Root({
    subjects: Annotation<string[]>,
    jokes: Annotation<string[]>({ reducer: (all, more) => [...all, ...more], default: () => [] }),
    best: Annotation<string>,
  });
  return new StateGraph(state)
    .addNode("joke", async ({ subject }: { subject: string }) => ({
      jokes: [(await model.invoke(subject)).text],
    }))
    .addNode("choose", async ({ jokes }) => ({
      best: (await model.invoke(jokes.join(", "))).text,
    }))
    .addConditionalEdges(START, ({ subjects }) =>
      subjects.map((subject) => new Send("joke", { subject })),
    )
    .addEdge("joke", "choose");
};

const commands: Build = (kit) => {
  const model = kit.model([{ content: "first" }, { content: "second" }]);
  return new StateGraph(MessagesAnnotation)
    .addNode(
      "first",
      async ({ messages }) =>
        new Command({ update: { messages: [await model.invoke(messages)] }, goto: "second" }),
      { ends: ["second"] },
    )
    .addNode(
      "second",
      async ({ messages }) => [
        new Command({ update: { messages: [await model.invoke(messages)] } }),
        new Command({ goto: "third" }),
      ],
      { ends: ["third"] },
    )
    .addNode("third", () => ({ messages: [new AIMessage({ content: "done", id: "done" })] }))
    .addEdge(START, "first");
};

const deferred: Build = (kit) => {
  const model = kit.model(({ messages }) => ({ content: `seen ${messages.length}` }));
  const say = async ({ messages }: { messages: BaseMessage[] }) => ({
    messages: [await model.invoke(messages)],
  });
  return new StateGraph(MessagesAnnotation)
    .addNode("short", say)
    .addNode("long", say)
    .addNode("longer", say)
    .addNode("join", say, { defer: true })
    .addEdge(START, "short")
    .addEdge(START, "long")
    .addEdge("long", "longer")
    .addEdge("short", "join")
    .addEdge("longer", "join");
};

/** Hand-written graphs of every kind of state and edge. */
export const STATE_GRAPHS: readonly GraphKind[] = [
  { title: "an Annotation state", build: annotation, input: HELLO, models: 3, tools: 3 },
  {
    title: "a zod state",
    build: (kit) => zodGraph(kit, ZodState),
    input: HELLO,
    models: 3,
    tools: 3,
  },
  {
    title: "a strict zod state",
    build: (kit) => zodGraph(kit, ZodState.strict()),
    input: HELLO,
    models: 3,
    tools: 3,
  },
  { title: "a StateSchema state", build: stateSchema, input: HELLO, models: 3, tools: 3 },
  {
    title: "a zod 3 state",
    build: zod3,
    input: { text: "Hello?" },
    models: 1,
    tools: 0,
  },
  {
    title: "a state of deltas and untracked values",
    build: deltaMessages,
    input: HELLO,
    models: 3,
    tools: 3,
  },
  {
    title: "separate input and output schemas",
    build: inputAndOutput,
    input: { question: "Where are my orders?" },
    models: 3,
    tools: 3,
  },
  {
    title: "a pipeline without any message list",
    build: pipeline,
    input: { text: "I want my money back." },
    models: 3,
    tools: 0,
  },
  {
    title: "map-reduce by Send",
    build: mapReduce,
    input: { subjects: ["cats", "dogs", "owls"] },
    models: 4,
    tools: 0,
  },
  { title: "Command goto", build: commands, input: HELLO, models: 2, tools: 0 },
  { title: "a deferred node", build: deferred, input: HELLO, models: 4, tools: 0 },
];
