/** Loaded before the script in every child of `crash()` and `run()`: ties its life to its parent's. */
import * as nodeModule from "node:module";

import { REPORT_CHANNEL } from "./child-report.ts";

const descriptor = process.env[REPORT_CHANNEL];
if (descriptor !== undefined && !descriptor.includes(":")) {
  process.env[REPORT_CHANNEL] = `${descriptor}:${process.pid}`;
}

// The channel breaks when the parent ends, however it ends; nobody is left to end this process then.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
process.channel?.unref();

// Since Node 22: the next child need not compile again what this one compiled.
if ("enableCompileCache" in nodeModule && typeof nodeModule.enableCompileCache === "function") {
  nodeModule.enableCompileCache();
}
