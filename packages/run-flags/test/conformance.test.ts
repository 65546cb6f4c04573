import { conformance } from "@evenkeel/testing/vitest";

import { runFlagsMiddleware } from "../src/index.ts";

conformance({ create: () => runFlagsMiddleware(), name: "runFlagsMiddleware" });
