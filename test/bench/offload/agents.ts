import { withMiddleware, wrapModel } from "@evenkeel/core";
import { scriptedModel } from "@evenkeel/testing";
import type { ScriptedModel } from "@evenkeel/testing";
import { toolResultOffloadMiddleware } from "@evenkeel/tool-result-offload";
import type { ToolResultOffloadOptions } from "@evenkeel/tool-result-offload";
import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface } from "@langchain/core/tools";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { FilesystemBackend, createFilesystemMiddleware } from "deepagents";
import { createAgent } from "langchain";
import { z } from "zod";

import type { BenchGraph } from "../overhead/graphs.ts";
import { logOf } from "./result-corpus.ts";

/** What an agent of the comparison is made of. */
interface AgentParts {
  readonly rounds: number;
  readonly checkpointer: BaseCheckpointSaver;
  readonly store: NonNullable<ToolResultOffloadOptions["store"]>;
  /** Where deepagents' directory backend writes. */
  readonly directory: string;
}

/** One way of dealing with large results. */
export interface Variant {
  readonly title: string;
  readonly build: (parts: AgentParts) => BenchGraph;
}

/** Tokens from which results are kept elsewhere: our default, asked of deepagents too. */
const MAX_TOKENS = 2_000;

/** Bytes of a tool's answers, by turns: most are small, and one in five is most of the bytes. */
const RESULT_BYTES = [300, 700, 1_500, 3_000, 24_000];

export const variants: readonly Variant[] = [
  { title: "StateGraph", build: (parts) => withMiddleware(stateGraph(parts), []) as BenchGraph },
  {
    title: "StateGraph, offload",
    build: (parts) => withMiddleware(stateGraph(parts), [offload(parts)]) as BenchGraph,
  },
  { title: "createAgent", build: (parts) => agent(parts, []) },
  { title: "createAgent, offload", build: (parts) => agent(parts, [offload(parts)]) },
  {
    title: "createAgent, deepagents files in state",
    build: (parts) => agent(parts, [files({ toolTokenLimitBeforeEvict: MAX_TOKENS })]),
  },
  {
    title: "createAgent, deepagents files in a directory",
    build: (parts) => {
      const backend = new FilesystemBackend({ rootDir: parts.directory, virtualMode: true });
      return agent(parts, [files({ backend, toolTokenLimitBeforeEvict: MAX_TOKENS })]);
    },
  },
  {
    title: "createAgent, deepagents files, its own limit",
    build: (parts) => agent(parts, [files({})]),
  },
];

function offload({ store }: AgentParts): ReturnType<typeof toolResultOffloadMiddleware> {
  return toolResultOffloadMiddleware({ store, maxTokens: MAX_TOKENS });
}

function files(options: Parameters<typeof createFilesystemMiddleware>[0]): unknown {
  return createFilesystemMiddleware(options);
}

function stateGraph({ rounds, checkpointer }: AgentParts) {
  const tools = [fetching()];
  const model = wrapModel(benchModel(rounds)).bindTools(tools);
  return new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
    .addNode("tools", new ToolNode(tools))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile({ checkpointer });
}

function agent({ rounds, checkpointer }: AgentParts, middleware: readonly unknown[]): BenchGraph {
  const source = createAgent({
    model: benchModel(rounds),
    tools: [fetching()],
    middleware: middleware as never,
    checkpointer,
  });
  return withMiddleware(source);
}

/** Calls the tool once a turn; what it says is as long in the last turn as in the first, so sizes are exact. */
function benchModel(rounds: number): ScriptedModel {
  return scriptedModel(({ messages }) => {
    const done = messages.filter(({ type }) => type === "tool").length;
    const turn = String(done).padStart(6, "0");
    return done < rounds
      ? { toolCalls: [{ id: `call-${turn}`, name: "look_up_order", args: { order: turn } }] }
      : { content: "The order is on its way." };
  });
}

function fetching(): StructuredToolInterface {
  return tool(({ order }: { order: string }) => resultOf(Number(order)), {
    name: "look_up_order",
    description: "Looks up an order by its number.",
    schema: z.object({ order: z.string() }),
  });
}

/** The answer of a round: of one size each fifth time, and never the same text twice. */
function resultOf(round: number): string {
  return logOf(RESULT_BYTES[round % RESULT_BYTES.length] ?? 0, round * 10_000);
}
