import { evenkeelPostgres } from "@evenkeel/postgres";
import { crash, freshDatabase, run, startOpenAIEndpoint } from "@evenkeel/testing";
import type { ChatRequest, FreshDatabase, OpenAIEndpoint } from "@evenkeel/testing";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";

import type { Shape } from "./agent.ts";
import { SLOW_MODEL, THREAD_HEADER } from "./limits-job.ts";
import type { LimitsJob, LimitsReport } from "./limits-job.ts";

const SCRIPT = new URL("./limits-program.ts", import.meta.url);

/** What all processes of a case meet: a model's endpoint and a database. */
export interface LimitsWorld {
  readonly endpoint: OpenAIEndpoint;
  readonly database: FreshDatabase;
  close(): Promise<void>;
}

/** Opens the world. */
export async function openWorld(): Promise<LimitsWorld> {
  const [endpoint, database] = await Promise.all([
    startOpenAIEndpoint({ script: answer }),
    freshDatabase(),
  ]);
  const { pool, schema = "public" } = database;
  await new PostgresSaver(pool, undefined, { schema }).setup();
  await evenkeelPostgres(pool, { schema: `${schema}_evenkeel` }).setup();
  await pool.query("CREATE TABLE made_calls (thread text, item text)");
  return {
    endpoint,
    database,
    close: async () => {
      await endpoint.close();
      await database.drop();
    },
  };
}

/** Calls its tool for as long as it has one; each answer is 100 tokens. */
function answer({ tools = [], messages, model }: ChatRequest): object {
  const usage = { promptTokens: 60, completionTokens: 40 };
  const reply = { usage, delayMs: model === SLOW_MODEL ? 200 : 0 };
  const turn = messages.filter(({ role }) => role === "assistant").length;
  return tools.some((tool) => tool.function?.name === "look_up")
    ? {
        toolCalls: [{ name: "look_up", args: { item: String(turn) }, id: `call-${turn}` }],
        ...reply,
      }
    : { content: "That is what I know.", ...reply };
}

/** Where a process dies. */
export type Cut = "model" | "tool" | "after-effect" | "checkpoint";

/** An execution that is killed again and again until its budget is used up. */
export interface CrashCase {
  readonly shape: Shape | "subgraph";
  readonly cut: Cut;
  /** How often it is killed. */
  readonly kills: number;
  readonly durability?: "sync" | "async";
  readonly budget: object;
  readonly tool?: LimitsJob["tool"];
  readonly toolRetries?: number;
  readonly breaker?: object;
  readonly scope?: string;
}

/** What a case came to. */
export interface CrashOutcome extends LimitsReport {
  /** Requests the endpoint received. */
  readonly modelCalls: number;
  /** Tool calls that had their effect. */
  readonly toolCalls: number;
}

/** Kills an execution so often, and lets it come to its end. */
export async function runCrashCase(
  one: CrashCase,
  { endpoint, database }: LimitsWorld,
  thread = JSON.stringify(one),
): Promise<CrashOutcome> {
  const { cut, kills, durability = "sync", tool = "works", ...rest } = one;
  const job: LimitsJob = {
    ...rest,
    tool,
    durability,
    thread,
    url: endpoint.url,
    model: cut === "model" ? SLOW_MODEL : "gpt-5.2",
    database: database.url,
    schema: database.schema ?? "public",
    act: "start",
  };
  const options = (act: LimitsJob["act"]): { script: URL; args: string[]; bundle: boolean } => ({
    script: SCRIPT,
    args: [JSON.stringify({ ...job, act })],
    bundle: true,
  });
  for (let kill = 0; kill < kills; kill += 1) {
    await crash({
      ...options(kill === 0 ? "start" : "continue"),
      at: cut,
      hit: cut === "checkpoint" ? 3 : 1,
    });
  }
  const { result } = await run<LimitsReport>(options(kills === 0 ? "start" : "continue"));
  const { rows } = await database.pool.query("SELECT 1 FROM made_calls WHERE thread = $1", [
    thread,
  ]);
  const modelCalls = endpoint.requests.filter(
    ({ headers }) => headers[THREAD_HEADER] === encodeURIComponent(thread),
  ).length;
  return { ...result, modelCalls, toolCalls: rows.length };
}
