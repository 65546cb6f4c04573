import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
  renderTrace,
  startLangSmithEndpoint,
  startOpenAIEndpoint,
  startPostgres,
} from "@evenkeel/testing";
import type { LangSmithEndpoint } from "@evenkeel/testing";

import { observe } from "./observe.ts";
import type { Stage } from "./observe.ts";
import { startPaymentService } from "./payments.ts";
import { supportScript } from "./scripted-model.ts";
import { compare } from "./table.ts";

const startedAt = performance.now();
const say = (line: string): void => {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1).padStart(5);
  console.log(`${seconds} s  ${line}`);
};

const scripted = process.env["OPENAI_API_KEY"] === undefined;
const traced = process.env["LANGSMITH_API_KEY"] !== undefined;
const folder = await mkdtemp(join(tmpdir(), "refund-agent-"));
say("starting Postgres, a local model and a local LangSmith");
const postgres = await startPostgres();
const model = scripted ? await startOpenAIEndpoint({ script: supportScript }) : undefined;
const langsmith = traced ? undefined : await startLangSmithEndpoint();
const payments = await startPaymentService();
const stage: Stage = {
  databaseUrl: postgres.url,
  modelUrl: model?.url,
  tracing: {
    LANGSMITH_TRACING: "true",
    LANGSMITH_PROJECT: "refund-agent",
    ...(langsmith === undefined
      ? {}
      : { LANGSMITH_ENDPOINT: langsmith.url, LANGSMITH_API_KEY: "none-needed-locally" }),
  },
  payments,
  folder,
  say,
};

try {
  const bare = await observe("bare", stage);
  const evenkeel = await observe("evenkeel", stage);
  const { text, failed } = compare({ bare, evenkeel, scripted });
  console.log(`\n${text}\n`);
  if (langsmith !== undefined) console.log(traceOf(langsmith));
  if (failed.length > 0) {
    console.error(`Not as claimed: ${failed.join(", ")}.`);
    process.exitCode = 1;
  } else {
    say("every claim of the table was checked against what left the process");
  }
} finally {
  await Promise.all([payments.close(), model?.close(), langsmith?.close(), postgres.stop()]);
  await rm(folder, { recursive: true, force: true });
}

/** The trace of the run with Evenkeel: both processes, one tree. */
function traceOf(endpoint: LangSmithEndpoint): string {
  const marked = endpoint.runs.find(({ extra }) =>
    JSON.stringify(extra ?? {}).includes("evenkeel_execution_id"),
  );
  if (marked === undefined) return "no trace arrived";
  const runs = endpoint.runs.filter((run) => run.trace_id === marked.trace_id);
  return `The trace of the run with Evenkeel, before and after the crash:\n\n${renderTrace(runs)}\n`;
}
