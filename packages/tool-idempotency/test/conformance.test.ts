import { memoryStore } from "@evenkeel/core";
import { conformance } from "@evenkeel/testing/vitest";

import { toolIdempotencyMiddleware } from "../src/index.ts";

// Every tool of the kit is recorded: the laws hold where the middleware is at work at each call.
conformance({
  name: "toolIdempotencyMiddleware",
  create: () => toolIdempotencyMiddleware({ store: memoryStore(), default: "keyed" }),
});
