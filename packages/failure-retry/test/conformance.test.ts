import { conformance } from "@evenkeel/testing/vitest";

import { failureRetryMiddleware } from "../src/index.ts";

const quick = { initialInterval: 0, jitter: false };

conformance({
  name: "failureRetryMiddleware",
  create: () => failureRetryMiddleware(quick),
  capabilities: {
    retries: true,
    repairs: true,
    attempts: 3,
    acts: {
      create: () => failureRetryMiddleware(quick),
      input: "Record the apples.",
      turns: [
        { toolCalls: [{ id: "call-1", name: "recorder", args: { entry: "twelve apples" } }] },
        { content: "They are not recorded." },
      ],
    },
  },
});
