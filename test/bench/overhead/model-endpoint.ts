import { fork } from "node:child_process";
import { once } from "node:events";

/** The local OpenAI-compatible endpoint, alive in a process of its own. */
export interface ModelEndpoint {
  /** Base URL for clients. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts the endpoint. */
export async function startModelEndpoint(): Promise<ModelEndpoint> {
  const child = fork(new URL("./endpoint-process.ts", import.meta.url));
  const [url] = (await Promise.race([once(child, "message"), failure(child)])) as [string];
  return {
    url,
    stop: async () => {
      const gone = once(child, "exit");
      child.disconnect();
      await gone;
    },
  };
}

async function failure(child: ReturnType<typeof fork>): Promise<never> {
  const [code] = (await once(child, "exit")) as [number | null];
  throw new Error(`The model's endpoint ended with ${code} before it listened.`);
}
