import { createServer } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

import {
  crash,
  freshDatabase,
  replyByTurn,
  run,
  startLangSmithEndpoint,
  startOpenAIEndpoint,
} from "@evenkeel/testing";
import type { CrashResult, LangSmithEndpoint, RunResult } from "@evenkeel/testing";
import { Client } from "langsmith";

import { startChargesService } from "./service-process.ts";
import type { ChargesService } from "./service-process.ts";

/** One process of the agent, as `agent-process.ts` is told. */
interface Step {
  readonly thread: string;
  readonly input: string | null | { readonly answer: string };
  readonly tracer?: boolean;
  readonly sendLate?: boolean;
  /** Variables of this process alone. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The script, where it is another than the agent's own. */
  readonly script?: URL;
}

/** All that the agent's processes meet: model, services, database, LangSmith. */
export interface World {
  readonly langsmith: LangSmithEndpoint;
  readonly client: Client;
  readonly service: ChargesService;
  /** Headers of the requests to the origin that may not learn of the trace. */
  readonly strangerReceived: readonly IncomingHttpHeaders[];
  run(step: Step): Promise<RunResult<string>>;
  /** Kills at a point that is reached once LangSmith has the run around it, or never will (`sendLate`). */
  kill(step: Step, at: "agent:answered" | "tool:answered"): Promise<CrashResult>;
  close(): Promise<void>;
}

type Condition = () => boolean;

const atOnce: Condition = () => true;
const ofService = new Set(["GET /charges", "scan_ledger"]);
const PROJECT = "refunds";
const agentScript = new URL("./agent-process.ts", import.meta.url);
const findCharges = { toolCalls: [{ name: "find_charges", args: { order: "A-1" } }] };
const refund = { toolCalls: [{ name: "refund", args: { order: "A-1" } }] };
const checked = replyByTurn([findCharges, { content: "It was charged twice." }]);
const refunded = replyByTurn([findCharges, refund, { content: "It is refunded." }]);

/** Builds the world on free ports, a database of its own, and a LangSmith endpoint. */
export async function buildWorld(): Promise<World> {
  const langsmith = await startLangSmithEndpoint();
  const tracing = {
    LANGSMITH_TRACING: "true",
    LANGSMITH_ENDPOINT: langsmith.url,
    LANGSMITH_API_KEY: "none-needed-locally",
    LANGSMITH_PROJECT: PROJECT,
  };
  let modelWaits: Condition = atOnce;
  let strangerWaits: Condition = atOnce;
  const model = await startOpenAIEndpoint({
    script: async (request, context) => {
      await langsmith.until(modelWaits);
      const asked = JSON.stringify(request.messages[0]?.content);
      return (asked.includes("refund") ? refunded : checked)(request, context);
    },
  });
  const service = await startChargesService(tracing);
  const strangerReceived: IncomingHttpHeaders[] = [];
  const stranger = createServer((request, response) => {
    strangerReceived.push(request.headers);
    void langsmith.until(strangerWaits).then(() => response.end("nothing known"));
  });
  await new Promise<void>((listening) => stranger.listen(0, "127.0.0.1", listening));
  const database = await freshDatabase();

  const pendingOf = (thread: string | undefined): string[] =>
    langsmith.runs
      .filter((each) => thread === undefined || each.thread_id === thread)
      .filter(({ status }) => status === "pending")
      .map(({ name }) => name);
  const child = ({ thread, input, tracer, sendLate, env, script = agentScript }: Step) => ({
    script,
    args: [
      JSON.stringify({
        thread,
        input,
        tracer,
        sendLate,
        world: {
          modelUrl: model.url,
          service: service.origin,
          stranger: `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`,
          databaseUrl: database.url,
        },
      }),
    ],
    env: { ...tracing, ...env },
    bundle: script === agentScript,
  });
  return {
    langsmith,
    client: new Client({ apiUrl: langsmith.url, apiKey: "none-needed-locally" }),
    service,
    strangerReceived,
    run: async (step) => {
      const ended = await run<string>(child(step));
      await langsmith.until(() => pendingOf(undefined).every((name) => !ofService.has(name)));
      return ended;
    },
    kill: async (step, at) => {
      const waits = step.sendLate !== true;
      if (waits && at === "agent:answered") modelWaits = () => pendingOf(step.thread).length === 3;
      if (waits && at === "tool:answered") {
        strangerWaits = () => pendingOf(step.thread).join() === "refund-agent,tools,find_charges";
      }
      const killed = await crash({ ...child(step), at });
      modelWaits = strangerWaits = atOnce;
      return killed;
    },
    close: async () => {
      stranger.closeAllConnections();
      await Promise.all([
        new Promise((closed) => stranger.close(closed)),
        service.stop(),
        model.close(),
        langsmith.close(),
        database.drop(),
      ]);
    },
  };
}
