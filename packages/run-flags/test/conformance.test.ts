import { memoryStore } from "@evenkeel/core";
import { conformance } from "@evenkeel/testing/vitest";

import { runFlagsMiddleware } from "../src/index.ts";

conformance({
  name: "runFlagsMiddleware",
  create: () => runFlagsMiddleware({ store: memoryStore(), routes: [{ to: () => undefined }] }),
});
