import { crash, run } from "@evenkeel/testing";
import type {
  ChatRequest,
  ChatScriptFunction,
  FreshDatabase,
  OpenAIEndpoint,
} from "@evenkeel/testing";

import type { GraphKind, RetryJob, RetryReport } from "./retry-job.ts";

/** Where an execution of three attempts is killed: at one passing of one point. */
export interface RetryCase {
  readonly kind: GraphKind;
  readonly at: string;
  readonly hit: number;
}

/** What the processes of a case meet. */
export interface RetryWorld {
  readonly endpoint: OpenAIEndpoint;
  readonly database: FreshDatabase;
}

/** The name of a case. */
export function titleOf({ kind, at, hit }: RetryCase): string {
  return `${kind}, ${at} ${hit}`;
}

/** The table in which tools note what they did, whatever becomes of their process. */
export async function createLog({ pool, schema = "public" }: FreshDatabase): Promise<void> {
  await pool.query(
    `create table ${schema}.retry_log (id serial, thread text, name text, detail jsonb)`,
  );
}

const SCRIPT = new URL("./retry-program.ts", import.meta.url);

function options(job: RetryJob): { script: URL; args: string[]; bundle: boolean } {
  return { script: SCRIPT, args: [JSON.stringify(job)], bundle: true };
}

function jobOf(kind: GraphKind, thread: string, world: RetryWorld): RetryJob {
  const { endpoint, database } = world;
  return {
    kind,
    thread,
    url: endpoint.url,
    database: database.url,
    schema: database.schema ?? "public",
    act: "start",
  };
}

/** Runs an execution that nobody kills: how often it passes each point. */
export async function runWhole(kind: GraphKind, world: RetryWorld): Promise<RetryReport> {
  const { result } = await run<RetryReport>(options(jobOf(kind, `${kind}, whole`, world)));
  return result;
}

/** Kills an execution, lets another process end it, and says what is not as promised. */
export async function faultsOf(one: RetryCase, world: RetryWorld): Promise<string[]> {
  const thread = titleOf(one);
  const job = jobOf(one.kind, thread, world);
  await crash({ ...options(job), at: one.at, hit: one.hit });
  const { result } = await run<RetryReport>(options({ ...job, act: "continue" }));
  const { rows } = await world.database.pool.query<{ name: string; detail: { shelf?: number } }>(
    `select name, detail from ${job.schema}.retry_log where thread = $1 order by id`,
    [thread],
  );
  const shelves = rows.flatMap(({ detail }) => detail.shelf ?? []);
  const faults: string[] = [];
  const check = (holds: boolean, fault: string): void => void (holds || faults.push(fault));
  check(result.text === "It is on shelf 3.", `it said ${JSON.stringify(result.text)}`);
  check(result.attempt === 3, `the checkpoint says attempt ${result.attempt}`);
  // The third attempt looks on the third shelf: the model knew in its process what failed in the others.
  check(
    shelves.every((shelf, index) => index === 0 || shelf - (shelves[index - 1] ?? 0) <= 1),
    `shelves ${shelves.join(", ")}: an attempt was skipped`,
  );
  check(
    shelves.every((shelf, index) => index === 0 || shelf >= (shelves[index - 1] ?? 0)),
    `shelves ${shelves.join(", ")}: an attempt was counted twice`,
  );
  check(new Set(shelves).size === 3, `shelves ${shelves.join(", ")} were looked on`);
  check(shelves.length <= 4, `one kill made ${shelves.length} looks of 3`);
  const paid = rows.filter(({ name }) => name === "pay").length;
  const limit = mayRepeat(one) ? 2 : 1;
  check(paid >= 1 && paid <= limit, `paid ${paid} times`);
  const attempts = result.events.map((event) => Number(event.split(" ").at(-1)));
  check(
    attempts.every((attempt, index) => index === 0 || attempt >= (attempts[index - 1] ?? 0)),
    `events of attempts ${attempts.join(", ")}`,
  );
  return faults;
}

/** Killed between the payment and its write: whether it is made again is the ledger's business. */
function mayRepeat({ at, hit }: RetryCase): boolean {
  return hit <= 4 && /writes|put/.test(at);
}

/** What the model says: pay first, then look where the context has not been; it needs to be told. */
export const script: ChatScriptFunction = (request) => {
  const said = texts(request);
  if (said.some((text) => text.includes("shelf 3 holds it")))
    return { content: "It is on shelf 3." };
  if (!said.some((text) => text.includes("paid 5"))) {
    return { toolCalls: [{ name: "pay", args: { euros: 5 } }] };
  }
  const told = request.messages.at(-1);
  const context = told?.role === "user" ? JSON.stringify(told.content) : "";
  const failed = [...context.matchAll(/shelf (\d) is empty/g)].map(([, shelf]) => Number(shelf));
  return { toolCalls: [{ name: "look_up", args: { shelf: Math.max(0, ...failed) + 1 } }] };
};

function texts({ messages }: ChatRequest): string[] {
  return messages
    .filter(({ role }) => role === "tool")
    .map(({ content }) => (typeof content === "string" ? content : JSON.stringify(content)));
}
