/** `npm run bench:failure-context -- [--json] [--text]`: what being told of a failure is worth, and costs. */
import { parseArgs } from "node:util";

import type { FailureRetryMiddlewareOptions } from "@evenkeel/failure-retry";

import { runTask } from "../failure-context/run-task.ts";
import type { TaskResult } from "../failure-context/run-task.ts";
import { TASKS } from "../failure-context/tasks.ts";

const CHARS = [0, 100, 500, 2_000];

process.env["LANGSMITH_TRACING"] = "false";
process.exitCode = await main(process.argv.slice(2));

/** Returns the exit code: 1 where the context did not win, on scripted models. */
async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: "boolean", default: false },
      text: { type: "boolean", default: false },
    },
  });
  const apiKey = process.env["OPENAI_API_KEY"];
  const variants: readonly { told: string; options: FailureRetryMiddlewareOptions }[] = [
    { told: "nothing", options: { context: false } },
    ...CHARS.map((maxResultChars) => ({
      told: `${maxResultChars} characters`,
      options: { context: { maxResultChars } },
    })),
  ];
  const rows: ({ told: string } & TaskResult)[] = [];
  for (const task of TASKS) {
    for (const { told, options } of variants) {
      rows.push({ told, ...(await runTask(task, options, apiKey)) });
    }
  }
  if (values.json) {
    console.log(JSON.stringify(rows, undefined, 2));
  } else {
    console.table(
      rows.map(({ task, model, told, done, attempts, modelCalls, promptTokens }) => ({
        task,
        model,
        told,
        done,
        attempts,
        "model calls": modelCalls,
        "prompt tokens": promptTokens,
      })),
    );
  }
  if (values.text) {
    for (const { task, context } of rows.filter(({ told }) => told === "500 characters")) {
      console.log(`\n--- ${task}, as the endpoint received it\n${context}`);
    }
  }
  if (apiKey !== undefined) return 0;
  const wins = rows.every(({ told, done }) => {
    if (told === "nothing") return !done;
    return told !== "500 characters" || done;
  });
  return wins ? 0 : 1;
}
