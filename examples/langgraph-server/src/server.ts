import { spawn } from "node:child_process";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** LangGraph's own development server, in a process of its own. */
export interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

/** Waits until the server has written its threads down, some seconds after they last changed. */
export async function untilKept(): Promise<void> {
  const ended = Date.now();
  for (const name of ["ops", "api.checkpointer"]) {
    const file = `.langgraph_api/.langgraphjs_${name}.json`;
    while (((await stat(file).catch(() => undefined))?.mtimeMs ?? 0) <= ended) await delay(100);
  }
}

/** Starts `langgraphjs dev` in this folder and waits until it answers. */
export async function startServer(env: Record<string, string | undefined>): Promise<Server> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const cli = ["node_modules/@langchain/langgraph-cli/dist/cli/cli.mjs", "dev", "--no-browser"];
  const child = spawn(process.execPath, [...cli, "--port", String(port)], {
    env: { ...process.env, ...env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => void (log += chunk.toString()));
  }
  const stop = async (): Promise<void> => {
    // The CLI runs the server in processes below its own: all must have ended before the next starts.
    signal(child.pid, "SIGINT");
    for (let tries = 0; tries < 40 && signal(child.pid, 0); tries += 1) await delay(250);
    signal(child.pid, "SIGKILL");
  };
  for (let tries = 0; tries < 480 && child.exitCode === null; tries += 1) {
    const answer = await fetch(`${url}/ok`).catch(() => undefined);
    if (answer?.ok === true) return { url, stop };
    await delay(250);
  }
  await stop();
  throw new Error(`The server did not come up.\n${log}`);
}

/** Sends a signal to a whole group of processes; false when none of it is left. */
function signal(group: number | undefined, name: NodeJS.Signals | 0): boolean {
  try {
    return group !== undefined && process.kill(-group, name);
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
