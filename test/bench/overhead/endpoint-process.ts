import { startOpenAIEndpoint } from "@evenkeel/testing";

import { scriptedReply } from "./scripted-reply.ts";

// A process of its own: what a model takes to answer must not be taken from the graph's time.
const endpoint = await startOpenAIEndpoint({ script: scriptedReply });
// Thousands of requests are made, and nobody reads them.
const forget = setInterval(() => endpoint.clear(), 1_000);
process.send?.(endpoint.url);
process.once("disconnect", () => {
  clearInterval(forget);
  void endpoint.close();
});
