import { startLangSmithEndpoint } from "@evenkeel/testing";
import type { LangSmithEndpoint } from "@evenkeel/testing";
import { awaitAllCallbacks } from "@langchain/core/callbacks/promises";
import { LangChainTracer } from "@langchain/core/tracers/tracer_langchain";
import { Client } from "langsmith";

import type { RunFlagsMiddleware } from "../../src/index.ts";
import { onThread, refundAgent, request } from "./refund-agent.ts";
import type { RefundAgentOptions, Script } from "./refund-agent.ts";

/** The project all runs here are traced to. */
export const PROJECT = "shop";

/** A local LangSmith, the real client and runs that are traced to it. */
export interface LocalReview {
  readonly endpoint: LangSmithEndpoint;
  readonly client: Client;
  /** Runs a traced agent to its end and waits until the trace was sent. */
  traced(
    script: Script,
    flags: RunFlagsMiddleware,
    options?: RefundAgentOptions & { thread?: string; input?: unknown },
  ): Promise<void>;
  /** Ids of root runs that a filter finds. */
  found(filter: string): Promise<string[]>;
  /** The root run of a thread. */
  rootOf(thread: string): LangSmithEndpoint["runs"][number] | undefined;
}

/** The real client, for an address. */
export function clientOf(apiUrl: string): Client {
  return new Client({ apiUrl, apiKey: "none-needed-locally", callerOptions: { maxRetries: 0 } });
}

/** Starts a local LangSmith; close its endpoint in the end. */
export async function localReview(): Promise<LocalReview> {
  const endpoint = await startLangSmithEndpoint();
  const client = clientOf(endpoint.url);
  return {
    endpoint,
    client,
    async traced(script, flags, { thread = "t", input = request(), ...options } = {}) {
      const callbacks = [new LangChainTracer({ client, projectName: PROJECT })];
      const agent = refundAgent(script, [flags], options);
      await agent
        .invoke(input as ReturnType<typeof request>, { ...onThread(thread), callbacks })
        .catch(() => undefined);
      await awaitAllCallbacks();
      await client.awaitPendingTraceBatches();
    },
    async found(filter) {
      const { id } = await client.readProject({ projectName: PROJECT });
      const runs: string[] = [];
      const query = { project_ids: [id], is_root: true, filter, selects: ["ID" as const] };
      for await (const run of client.runs.query(query)) runs.push(run.id ?? "");
      return runs;
    },
    rootOf: (thread) => endpoint.roots().find((root) => root.thread_id === thread),
  };
}

/** The tags of flags among tags. */
export function flagTags(tags: readonly string[] = []): string[] {
  return tags.filter((tag) => tag.startsWith("evenkeel:flag:"));
}
