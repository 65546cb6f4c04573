import { ChatOpenAI } from "@langchain/openai";

import type { BaseClock } from "./base-clock.ts";
import { type ModelTask, taskText } from "./scripted-reply.ts";

interface BenchModelFields extends ModelTask {
  /** The endpoint's base URL. */
  readonly url: string;
  readonly clock: BaseClock;
}

/** The real client, over the wire; the clock runs while it waits for the endpoint. */
export function benchModel({ url, clock, ...task }: BenchModelFields): ChatOpenAI {
  return new ChatOpenAI({
    model: "gpt-5.2",
    apiKey: "none-needed-locally",
    user: taskText(task),
    configuration: {
      baseURL: url,
      fetch: (input, init) =>
        clock.time("model", async () => {
          const response = await fetch(input, init);
          return new Response(await response.arrayBuffer(), response);
        }),
    },
  });
}
