import { readFileSync } from "node:fs";

import { conformance } from "@evenkeel/testing/vitest";

import { loopDetectionMiddleware } from "../src/index.ts";

const stateV1 = JSON.parse(
  readFileSync(new URL("fixtures/state-v1.json", import.meta.url), "utf8"),
) as Record<string, { loop: { turn: number } }>;
const [entry = ""] = Object.keys(stateV1);

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
    state: {
      channel: "_loopDetection",
      fixture: stateV1,
      // Five turns of the older release; where the call site is the fixture's also the two that the
      // resumed run finds and saves, stepping off the ladder. Its last one is not saved.
      understood: ({ entries }) =>
        [5, 7].includes((entries[entry] as (typeof stateV1)[string]).loop.turn),
    },
  },
});
