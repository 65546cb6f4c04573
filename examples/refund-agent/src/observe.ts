import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { CrashError, crash, run } from "@evenkeel/testing";
import pg from "pg";

import type { LostOrderRun } from "./lost-order.ts";
import type { PaymentService } from "./payments.ts";
import { monday, tuesday } from "./releases.ts";
import type { ChildResult, ModelRequestBody, Observation, Variant } from "./variants.ts";

/** Where the demonstration's processes find what they need. */
export interface Stage {
  readonly databaseUrl: string;
  /** Undefined where the real model is called. */
  readonly modelUrl: string | undefined;
  /** Environment that has LangSmith trace the run. */
  readonly tracing: Readonly<Record<string, string>>;
  readonly payments: PaymentService;
  readonly folder: string;
  readonly say: (line: string) => void;
}

const script = new URL(`./run-agent.${import.meta.url.split(".").at(-1)}`, import.meta.url);

/** Runs one variant: started on Monday, killed in a tool, deployed over, resumed on Tuesday. */
export async function observe(variant: Variant, stage: Stage): Promise<Observation> {
  const schema = `refund_agent_${variant}`;
  const requests = join(stage.folder, `${variant}.requests.jsonl`);
  const env = {
    ...stage.tracing,
    DEMO_DATABASE_URL: stage.databaseUrl,
    DEMO_MODEL_URL: stage.modelUrl,
    DEMO_PAYMENTS_URL: stage.payments.urlOf(variant),
    LANGCHAIN_CALLBACKS_BACKGROUND: "false",
  };
  const child = (release: string, step: string, file = requests) => ({
    script,
    args: [variant, release, step, schema, file],
    env,
  });
  const first = await crash({ ...child(monday.name, "start"), at: "tool:read_gateway_log" });
  stage.say(`${variant}: killed by SIGKILL while a tool ran (${Math.round(first.durationMs)} ms)`);
  const beforeCrash = (await requestsIn(requests)).length;
  stage.say(`${variant}: ${tuesday.name}'s release is deployed, the run is resumed`);
  const second = await killedOncePaid(child(tuesday.name, "resume"));
  stage.say(`${variant}: killed once more, right after it paid`);
  const third = await run<ChildResult>(child(tuesday.name, "resume"));
  stage.say(`${variant}: finished (${Math.round(third.durationMs)} ms)`);
  const requestsOfLost = join(stage.folder, `${variant}.lost.requests.jsonl`);
  const lost = await run<LostOrderRun>(child(tuesday.name, "lost", requestsOfLost));
  stage.say(
    `${variant}: another customer's order is not found (${Math.round(lost.durationMs)} ms)`,
  );
  return {
    ...third.result,
    lost: { ...lost.result, requests: await requestsIn(requestsOfLost) },
    payments: stage.payments.paidBy(variant).map(({ receipt }) => receipt),
    requests: await requestsIn(requests),
    beforeCrash,
    databaseBytes: await bytesOf(schema, variant, stage.databaseUrl),
    durationMs: first.durationMs + second + third.durationMs,
  };
}

/** Milliseconds of the process that dies after it paid; a real model may decide not to pay. */
async function killedOncePaid(child: Parameters<typeof run>[0]): Promise<number> {
  const startedAt = performance.now();
  await crash({ ...child, at: "tool:remedy:after-effect" }).catch((error: unknown) => {
    if (!CrashError.isInstance(error, "crash-point-not-reached")) throw error;
  });
  return performance.now() - startedAt;
}

async function requestsIn(file: string): Promise<ModelRequestBody[]> {
  const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as ModelRequestBody);
}

/** What the checkpoint tables hold of a thread, column by column, free of page layout. */
async function bytesOf(schema: string, thread: string, connectionString: string): Promise<number> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const { rows } = await client.query<{ bytes: string }>(
      `select (select coalesce(sum(octet_length(blob)), 0)
                 from ${schema}.checkpoint_blobs where thread_id = $1)
            + (select coalesce(sum(octet_length(blob)), 0)
                 from ${schema}.checkpoint_writes where thread_id = $1)
            + (select coalesce(sum(octet_length(checkpoint::text) + octet_length(metadata::text)), 0)
                 from ${schema}.checkpoints where thread_id = $1) as bytes`,
      [thread],
    );
    return Number(rows[0]?.bytes ?? 0);
  } finally {
    await client.end();
  }
}
