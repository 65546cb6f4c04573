import { fork } from "node:child_process";
import { once } from "node:events";
import type { IncomingHttpHeaders } from "node:http";

/** The charges service, alive in a process of its own. */
export interface ChargesService {
  readonly origin: string;
  /** The headers of every request so far. */
  received(): Promise<IncomingHttpHeaders[]>;
  stop(): Promise<void>;
}

/** Starts the charges service under the given environment. */
export async function startChargesService(
  env: Readonly<Record<string, string>>,
): Promise<ChargesService> {
  const child = fork(new URL("./charges-service.ts", import.meta.url), {
    execArgv: ["--import", import.meta.resolve("tsx")],
    env: { ...process.env, ...env },
  });
  const [port] = (await once(child, "message")) as [number];
  const origin = `http://127.0.0.1:${port}`;
  return {
    origin,
    received: async () =>
      (await fetch(`${origin}/received`)).json() as Promise<IncomingHttpHeaders[]>,
    stop: async () => {
      const gone = once(child, "exit");
      child.disconnect();
      await gone;
    },
  };
}
