import { memoryStore } from "@evenkeel/core";
import type { ResultStore } from "@evenkeel/core";
import { conformance } from "@evenkeel/testing/vitest";

import { toolResultOffloadMiddleware } from "../src/index.ts";
import { answering, calls, report } from "./support/shop.ts";

// Handles differ from thread to thread and the laws compare threads: here a content has one for all.
const memory = memoryStore();
const store: ResultStore = {
  ...memory,
  linkResult: async () => undefined,
  writeResult(owner, startedAt) {
    const writer = memory.writeResult(owner, startedAt);
    return {
      ...writer,
      commit: async (result) => {
        await writer.commit(result);
        return { ...result, handle: `res_${result.digest.slice(0, 20)}` };
      },
    };
  },
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
