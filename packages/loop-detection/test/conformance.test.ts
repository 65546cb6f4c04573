import { conformance } from "@evenkeel/testing/vitest";

import { loopDetectionMiddleware } from "../src/index.ts";

const again = { toolCalls: [{ name: "look_up", args: { item: "plums" } }] };

conformance({
  name: "loopDetectionMiddleware",
  create: () => loopDetectionMiddleware(),
  capabilities: {
    acts: {
      create: () => loopDetectionMiddleware({ steerAfter: 2, blockAfter: 3, stopAfter: 4 }),
      input: "How many plums are there?",
      turns: [again, again, again, again, { content: "Nobody knows." }],
    },
  },
});
