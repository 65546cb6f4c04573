/** `npm run test:restarts -- [--seconds 60] [--every 4]`: Postgres crashes every few seconds under eight executions. */
import { parseArgs } from "node:util";

import { underRestarts } from "./under-restarts.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    every: { type: "string", default: "4" },
  },
});
const seconds = Number(values.seconds);
const every = Number(values.every);
if (!(seconds > 0) || !(every > 0)) {
  console.error("--seconds and --every take seconds above 0.");
  process.exit(2);
}
process.env["LANGSMITH_TRACING"] = "false";

const { faults, failures, ...figures } = await underRestarts(seconds * 1_000, every * 1_000);
console.table([figures]);
console.log(`Runs failed with: ${JSON.stringify(failures)}`);
for (const fault of faults) console.error(fault);
console.log(faults.length === 0 ? "Nothing lost, nothing twice." : "FAILED");
process.exitCode = faults.length === 0 ? 0 : 1;
