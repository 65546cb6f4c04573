import { conformance } from "@evenkeel/testing/vitest";

import { configFreezeMiddleware } from "../src/index.ts";

conformance({
  name: "configFreezeMiddleware",
  create: () => configFreezeMiddleware({ config: () => ({ tone: "kind" }) }),
  capabilities: {
    acts: {
      create: () => configFreezeMiddleware({ revoke: { tools: ["record"] } }),
      input: "Record the apples.",
      turns: [
        { toolCalls: [{ id: "call-1", name: "record", args: { entry: "twelve apples" } }] },
        { content: "They are not recorded." },
      ],
    },
  },
});
