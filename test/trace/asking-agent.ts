import { withMiddleware } from "@evenkeel/core";
import type { AnyMiddleware } from "@evenkeel/core";
import { renderTrace, startLangSmithEndpoint } from "@evenkeel/testing";
import type { LangSmithEndpoint } from "@evenkeel/testing";
import { awaitAllCallbacks } from "@langchain/core/callbacks/promises";
import { LangChainTracer } from "@langchain/core/tracers/tracer_langchain";
import { Annotation, Command, START, StateGraph, interrupt } from "@langchain/langgraph";
import type { MemorySaver } from "@langchain/langgraph";
import { Client } from "langsmith";

/** A LangSmith endpoint with a client that sends to it. */
export interface LocalTracing {
  readonly langsmith: LangSmithEndpoint;
  readonly client: Client;
  /** A tracer as an application makes one for a run. */
  tracer(): LangChainTracer;
  /** Waits until all that was traced has arrived. */
  arrived(): Promise<void>;
  /** All traces, one run a line, as a tree of names. */
  tree(): Promise<string[]>;
}

/** Starts a LangSmith endpoint for runs of this process. */
export async function localTracing(): Promise<LocalTracing> {
  const langsmith = await startLangSmithEndpoint();
  const client = new Client({ apiUrl: langsmith.url, apiKey: "none-needed-locally" });
  const arrived = async (): Promise<void> => {
    await awaitAllCallbacks();
    await client.awaitPendingTraceBatches();
  };
  return {
    langsmith,
    client,
    tracer: () => new LangChainTracer({ client, projectName: "refunds" }),
    arrived,
    tree: async () => {
      await arrived();
      const drawn = renderTrace(langsmith.runs, { durationMs: () => undefined });
      return drawn.split("\n").map((line) => line.replace(/ {2,}\w.*/, ""));
    },
  };
}

/** A graph that asks twice. Built anew over a checkpointer, it stands for that of another process. */
export function askingAgent(checkpointer: MemorySaver, stack: readonly AnyMiddleware[] = []) {
  return withMiddleware(bareAgent(checkpointer), stack);
}

/** The same graph without middleware. */
export function bareAgent(checkpointer: MemorySaver) {
  return new StateGraph(Annotation.Root({ answers: Annotation<string[]> }))
    .addNode("first", () => ({ answers: [String(interrupt("refund?"))] }))
    .addNode("second", ({ answers }) => ({ answers: [...answers, String(interrupt("sure?"))] }))
    .addEdge(START, "first")
    .addEdge("first", "second")
    .compile({ checkpointer, name: "asks-twice" });
}

/** The answer to either question. */
export function yes() {
  return new Command<"yes", { answers?: string[] }, "first" | "second">({ resume: "yes" });
}
