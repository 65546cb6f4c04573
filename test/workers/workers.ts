/** `npm run test:workers -- [--executions 500]`: two processes resume the same executions at once, on one Postgres. */
import { parseArgs } from "node:util";

import { hasPgBouncer } from "./pgbouncer.ts";
import { twoWorkers } from "./two-workers.ts";
import type { Route, WorkersReport } from "./two-workers.ts";

const { values } = parseArgs({ options: { executions: { type: "string", default: "500" } } });
const executions = Number(values.executions);
if (!Number.isInteger(executions) || executions < 1) {
  console.error(`--executions must be a whole number of at least 1, not ${values.executions}.`);
  process.exit(2);
}
process.env["LANGSMITH_TRACING"] = "false";

const between: Route = hasPgBouncer() ? "pgbouncer" : "no session";
if (between === "no session") {
  console.log(
    "PgBouncer is not on this machine (Debian: pgbouncer): that variant is skipped. In its place each use of a connection gets a new one, so that nothing of a session outlives a transaction.",
  );
}
const reports: WorkersReport[] = [];
for (const route of ["direct", between] as const) {
  reports.push(await twoWorkers(executions, route));
}
console.table(reports.map(({ faults, ...figures }) => ({ ...figures, faults: faults.length })));
const faults = reports.flatMap(({ route, faults: found }) =>
  found.map((fault) => `${route}: ${fault}`),
);
for (const fault of faults) console.error(fault);
console.log(faults.length === 0 ? "Each effect once, each execution finished once." : "FAILED");
process.exitCode = faults.length === 0 ? 0 : 1;
