import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";

import { replyByTurn, startOpenAIEndpoint } from "@evenkeel/testing";
import type { OpenAIEndpoint } from "@evenkeel/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { packedProject, quietEnvironment } from "../support/packed-project.ts";
import type { PackedProject } from "../support/packed-project.ts";

// The agent as it is exported from langgraph.json, bare and with middleware.
const AGENT = `
import { readFileSync } from "node:fs";
import { SystemMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { MessagesAnnotation, START, StateGraph, interrupt } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import { configFreezeMiddleware } from "@evenkeel/config-freeze";
import { withMiddleware, wrapModel } from "@evenkeel/core";
import { z } from "zod";

const approve = tool(({ order }: { order: string }) => String(interrupt("approve " + order)), {
  name: "approve",
  description: "Asks a person.",
  schema: z.object({ order: z.string() }),
});
// What a deploy changes is read anew with each call, as a fresh process would.
const release = () => JSON.parse(readFileSync("release.json", "utf8"));
const fresh = () =>
  wrapModel(
    new ChatOpenAI({
      model: "gpt-4.1",
      temperature: release().temperature,
      apiKey: "none-needed-locally",
      configuration: { baseURL: process.env.MODEL_URL },
    }),
  );
const builder = new StateGraph(MessagesAnnotation)
  .addNode("agent", async ({ messages }) => ({
    messages: [
      await fresh().bindTools([approve]).invoke([new SystemMessage(release().prompt), ...messages]),
    ],
  }))
  .addNode("tools", new ToolNode([approve]))
  .addEdge(START, "agent")
  .addConditionalEdges("agent", toolsCondition)
  .addEdge("tools", "agent");

export const bare = builder.compile();
export const agent = withMiddleware(builder.compile(), [configFreezeMiddleware()]);
`;

let project: PackedProject;
let endpoint: OpenAIEndpoint;
let server: ChildProcess;
let url: string;
let log = "";

beforeAll(async () => {
  endpoint = await startOpenAIEndpoint({
    script: replyByTurn([
      { toolCalls: [{ name: "approve", args: { order: "A1" } }] },
      { content: "done" },
    ]),
  });
  project = await packedProject({
    packages: ["core", "config-freeze"],
    dependencies: {
      "@langchain/core": "1.2.13",
      "@langchain/langgraph": "1.4.17",
      "@langchain/langgraph-checkpoint": "1.1.5",
      "@langchain/langgraph-cli": "2.0.0",
      "@langchain/openai": "1.5.8",
      typescript: "5.9.3",
      zod: "^4.0.0",
    },
    // The CLI asks for an older checkpoint and SDK than LangGraph itself does.
    flags: ["--legacy-peer-deps"],
  });
  await project.write("src/agent.ts", AGENT);
  await project.write(
    "langgraph.json",
    JSON.stringify({
      node_version: "20",
      graphs: { bare: "./src/agent.ts:bare", agent: "./src/agent.ts:agent" },
      env: {},
    }),
  );
  await deploy("You are kind.", 0.1);
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  server = spawn(
    process.execPath,
    ["node_modules/.bin/langgraphjs", "dev", "--port", String(port), "--no-browser"],
    {
      cwd: project.folder,
      env: { ...quietEnvironment(), MODEL_URL: endpoint.url },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  for (const stream of [server.stdout, server.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      log += chunk.toString();
    });
  }
  await untilUp();
}, 240_000);

afterAll(async () => {
  if (server?.pid !== undefined) process.kill(-server.pid, "SIGKILL");
  await endpoint?.close();
  await project?.remove();
});

describe("under the LangGraph server's own CLI", () => {
  test("a resumed thread keeps its configuration, and without freeze it does not", async () => {
    const seen: Record<string, string[]> = {};
    for (const graph of ["bare", "agent"]) {
      endpoint.clear();
      await deploy("You are kind.", 0.1);
      const thread = await post<{ thread_id: string }>("/threads", {});
      const wait = `/threads/${thread.thread_id}/runs/wait`;
      await post(wait, {
        assistant_id: graph,
        input: { messages: [{ role: "user", content: "A1 please" }] },
      });
      await deploy("You are strict.", 0.9);
      const state = await post<{ messages: { content: string }[] }>(wait, {
        assistant_id: graph,
        command: { resume: "yes" },
      });
      expect(state.messages.at(-1)?.content, log).toBe("done");
      seen[graph] = endpoint.requests.map(({ rawBody }) => toldBy(rawBody));
    }
    expect(seen["bare"]).toHaveLength(2);
    expect(seen["bare"]?.[1]).not.toBe(seen["bare"]?.[0]);
    expect(seen["agent"]).toHaveLength(2);
    expect(seen["agent"]?.[1]).toBe(seen["agent"]?.[0]);
  });

  // The server type-checks the exported module to read its schemas.
  test("the schemas of the assistant equal the bare graph's", { timeout: 300_000 }, async () => {
    const bare = await schemasOf("bare");
    const agent = await schemasOf("agent");
    expect(Object.keys(bare).length).toBeGreaterThan(3);
    expect({ ...agent, graph_id: "" }).toEqual({ ...bare, graph_id: "" });
  });

  test("a thread's state and streams show no private channel", async () => {
    const thread = await post<{ thread_id: string }>("/threads", {});
    const response = await fetch(`${url}/threads/${thread.thread_id}/runs/stream`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        assistant_id: "agent",
        input: { messages: [{ role: "user", content: "A1 please" }] },
        stream_mode: ["values", "updates", "debug", "events"],
      }),
    });
    const streamed = await response.text();
    const state = await (await fetch(`${url}/threads/${thread.thread_id}/state`)).text();
    for (const text of [streamed, state]) {
      const at = text.search(/"_config/);
      expect(at === -1 ? "" : text.slice(at - 400, at + 200)).toBe("");
      expect(text).not.toContain('_execution"');
    }
    expect(streamed).toContain("event: values");
  });
});

async function schemasOf(graph: string): Promise<Record<string, unknown>> {
  const [assistant] = await post<{ assistant_id: string }[]>("/assistants/search", {
    graph_id: graph,
  });
  for (let tries = 0; ; tries += 1) {
    const response = await fetch(`${url}/assistants/${assistant?.assistant_id}/schemas`);
    if (response.ok) {
      const text = await response.text();
      // The compiler numbers symbols by the order in which it meets them.
      return JSON.parse(text.replaceAll(/(__@\w+@)\d+/g, "$1")) as Record<string, unknown>;
    }
    // The server gives the type checker 30 seconds, which a busy machine may exceed.
    if (tries === 4) throw new Error(`schemas of ${graph}: ${response.status}\n${log}`);
  }
}

/** What a request says beside the conversation. */
function toldBy(body: string): string {
  const { messages, ...rest } = JSON.parse(body) as { messages: { role: string }[] };
  return JSON.stringify({ told: messages.filter(({ role }) => role === "system"), ...rest });
}

function deploy(prompt: string, temperature: number): Promise<void> {
  return project.write("release.json", JSON.stringify({ prompt, temperature }));
}

async function post<Body>(path: string, body: unknown): Promise<Body> {
  const response = await fetch(`${url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}\n${log}`);
  return (await response.json()) as Body;
}

async function untilUp(): Promise<void> {
  for (let tries = 0; tries < 240; tries += 1) {
    const up = await fetch(`${url}/ok`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (up) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`The server did not come up.\n${log}`);
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
