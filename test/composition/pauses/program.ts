/** A process of an execution; one that paused is killed where `crash()` says so. */
import pg from "pg";

import { reportResult } from "../../../packages/testing/src/crash/child-report.ts";
import { crashPoint } from "../../../packages/testing/src/crash/crash-point.ts";
import { oneProcess } from "./one-process.ts";
import type { PauseJob } from "./one-process.ts";

const job = JSON.parse(process.argv[2] ?? "{}") as PauseJob;
const pool = new pg.Pool({ connectionString: process.argv[3], max: 4 });
const report = await oneProcess(job, pool);
reportResult(report);
if (report.questions.length > 0) crashPoint("paused");
await pool.end();
