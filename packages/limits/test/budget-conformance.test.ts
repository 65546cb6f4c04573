import { conformance } from "@evenkeel/testing/vitest";

import { budgetMiddleware } from "../src/index.ts";

const ENTRY = {
  v: 1,
  revision: 1_000,
  execution: { id: "of another release", sums: { modelCalls: 3 } },
  thread: { sums: { modelCalls: 3, toolCalls: 4 } },
};

const SIX_CALLS = Array.from({ length: 6 }, (_, index) => ({
  id: `call-${index}`,
  name: "record",
  args: { entry: `thing ${index}` },
}));

conformance({
  name: "budgetMiddleware",
  create: () =>
    budgetMiddleware({
      perExecution: { tokens: 1e6, wallTimeMs: 1e9, modelCalls: 100, toolCalls: 100 },
      perThread: { tokens: 1e6 },
      perTool: { look_up: { calls: 50, wallTimeMs: 1e9 } },
    }),
  capabilities: {
    acts: {
      create: () => budgetMiddleware({ perExecution: { toolCalls: 5 } }),
      input: "Record six things.",
      turns: ({ messages }) =>
        messages.some(({ type }) => type === "tool")
          ? { content: "Five of them are recorded." }
          : { toolCalls: SIX_CALLS },
    },
    state: {
      channel: "_budget",
      fixture: { spent: ENTRY },
      understood: ({ entries }) => {
        const { thread } = entries["spent"] as typeof ENTRY;
        return thread.sums.toolCalls > 4;
      },
    },
  },
});
