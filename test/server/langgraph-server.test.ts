import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { cp, readFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { replyByTurn, startOpenAIEndpoint } from "@evenkeel/testing";
import type { OpenAIEndpoint } from "@evenkeel/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { examplesFolder, normalized, transcriptOf } from "../support/example.ts";
import { packedProject } from "../support/packed-project.ts";
import type { PackedProject } from "../support/packed-project.ts";
import { quietEnvironment } from "../support/tarballs.ts";

let project: PackedProject;
let endpoint: OpenAIEndpoint;
let server: ChildProcess;
let url: string;
let log = "";

beforeAll(async () => {
  endpoint = await startOpenAIEndpoint({
    script: replyByTurn([
      { toolCalls: [{ name: "refund", args: { order: "A1" } }] },
      { content: "done" },
    ]),
  });
  // The example as its reader installs it.
  const folder = join(examplesFolder, "langgraph-server");
  const { dependencies } = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  const others = Object.entries(dependencies).filter(([name]) => !name.startsWith("@evenkeel/"));
  project = await packedProject({
    packages: ["core", "config-freeze", "testing"],
    dependencies: Object.fromEntries(others),
    // As its .npmrc says.
    flags: ["--legacy-peer-deps"],
  });
  for (const path of ["src", "langgraph.json"]) {
    await cp(join(folder, path), join(project.folder, path), { recursive: true });
  }
}, 240_000);

async function serve(): Promise<void> {
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  server = spawn(
    process.execPath,
    ["node_modules/.bin/langgraphjs", "dev", "--port", String(port), "--no-browser"],
    {
      cwd: project.folder,
      env: {
        ...quietEnvironment(),
        MODEL_URL: endpoint.url,
        // By itself the server gives the type checker 30 seconds, which a busy machine may exceed.
        LANGGRAPH_SCHEMA_RESOLVE_TIMEOUT_MS: "240000",
      },
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
}

afterAll(async () => {
  if (server?.pid !== undefined) process.kill(-server.pid, "SIGKILL");
  await endpoint?.close();
  await project?.remove();
});

describe("under the LangGraph server's own CLI", () => {
  test("the example prints what its README shows: a resumed thread keeps its configuration", async () => {
    const printed = await project.run("node_modules/.bin/tsx", "src/main.ts");
    expect(normalized(printed)).toBe(await transcriptOf("langgraph-server"));
  });
});

describe("a server that is up", () => {
  beforeAll(serve);

  // The server type-checks the exported module to read its schemas.
  test("the schemas of the assistant equal the bare graph's", { timeout: 500_000 }, async () => {
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
  const response = await fetch(`${url}/assistants/${assistant?.assistant_id}/schemas`);
  const text = await response.text();
  if (!response.ok) throw new Error(`schemas of ${graph}: ${response.status} ${text}\n${log}`);
  // The compiler numbers symbols by the order in which it meets them.
  return JSON.parse(text.replaceAll(/(__@\w+@)\d+/g, "$1")) as Record<string, unknown>;
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
