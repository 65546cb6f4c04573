import { conformance } from "@evenkeel/testing/vitest";

import { createResultStore, memoryResults, toolResultOffloadMiddleware } from "../src/index.ts";
import type { ResultStore } from "../src/index.ts";
import { answering, calls, report } from "./support/shop.ts";

// Handles differ from thread to thread and the laws compare threads: here all have one owner.
const results = createResultStore(memoryResults());
const owner = { scope: "kit", threadId: "kit" };
const store: ResultStore = {
  ...results,
  put: (_, source, options) => results.put(owner, source, options),
};

conformance({
  name: "toolResultOffloadMiddleware",
  create: () => toolResultOffloadMiddleware({ store }),
  capabilities: {
    acts: {
      input: "What does the log say?",
      turns: [calls({ name: "fetch_log" }), { content: "Nothing." }],
      tools: [answering("fetch_log", () => report(40_000))],
    },
  },
});
