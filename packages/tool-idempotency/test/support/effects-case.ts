import { evenkeelPostgres } from "@evenkeel/postgres";
import { CrashError, crash, run } from "@evenkeel/testing";
import type {
  ChatReply,
  ChatScriptFunction,
  FreshDatabase,
  OpenAIEndpoint,
} from "@evenkeel/testing";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";

import type { EffectsJob, EffectsReport, Kind, Scene } from "./effects-job.ts";
import { startPaymentService } from "./payment-service.ts";
import type { PaymentService } from "./payment-service.ts";

/** One execution that is killed once and carried to its end. */
export interface EffectsCase {
  readonly kind: Kind;
  readonly scene: Scene;
  readonly durability: "sync" | "async";
  readonly bare: boolean;
  /** Where it is killed; undefined: nowhere. */
  readonly at?: string | undefined;
  readonly hit?: number | undefined;
}

/** What came of it. */
export interface EffectsOutcome {
  readonly crashed: boolean;
  readonly said: readonly string[];
  readonly events: readonly string[];
  readonly busy: number;
  /** How often each thing was done, by what it was about. */
  readonly done: Readonly<Record<string, number>>;
}

/** What the processes of a matrix share. */
export interface EffectsStage {
  readonly endpoint: OpenAIEndpoint;
  readonly database: FreshDatabase;
  readonly payments: PaymentService;
  readonly schema: string;
  readonly ledger: string;
}

/** The name of a case. */
export function titleOf({ kind, scene, durability, bare, at, hit = 1 }: EffectsCase): string {
  const where = at === undefined ? "uncrashed" : `${at}${hit === 1 ? "" : `#${hit}`}`;
  return `${kind}, ${scene}, ${durability}, ${where}${bare ? ", bare" : ""}`;
}

/** Sets up the tables the processes share. */
export async function effectsStage(
  endpoint: OpenAIEndpoint,
  database: FreshDatabase,
): Promise<EffectsStage> {
  const schema = database.schema ?? "public";
  const ledger = `${database.schema ?? "evenkeel"}_ledger`;
  await new PostgresSaver(database.pool, undefined, { schema }).setup();
  await evenkeelPostgres(database.pool, { schema: ledger }).setup();
  const payments = await startPaymentService(database.pool, ledger);
  return { endpoint, database, payments, schema, ledger };
}

const SCRIPT = new URL("./effects-program.ts", import.meta.url);
const MOST_PROCESSES = 6;

/** Carries an execution to its end: one process after the other, the first that meets the point dies there. */
export async function runCase(
  one: EffectsCase,
  { endpoint, database, payments, schema, ledger }: EffectsStage,
): Promise<EffectsOutcome> {
  const thread = titleOf(one);
  const events: string[] = [];
  let busy = 0;
  let crashed = false;
  let act: EffectsJob["act"] = "start";
  for (let process = 1; process <= MOST_PROCESSES; process += 1) {
    const job: EffectsJob = {
      kind: one.kind,
      scene: one.scene,
      durability: one.durability,
      bare: one.bare,
      thread,
      act,
      schema,
      ledger,
      database: database.url,
      model: endpoint.url,
      payments: payments.url,
    };
    const options = { script: SCRIPT, args: [JSON.stringify(job)], bundle: true };
    const report = await oneProcess(options, crashed ? undefined : one);
    if (report === undefined) {
      crashed = true;
      // What waited for a person goes on waiting; what is planned anew begins at the first checkpoint.
      act = one.scene === "planned anew" ? "again" : act === "resume" ? "resume" : "continue";
      continue;
    }
    events.push(...report.events);
    busy += report.busy;
    if (report.paused) {
      act = "resume";
      continue;
    }
    const done = Object.fromEntries(await payments.done(thread));
    return { crashed, said: report.said, events, busy, done };
  }
  throw new Error(`${thread}: not at its end after ${MOST_PROCESSES} processes`);
}

/** The report of a process that came to its end; undefined where it was killed. */
async function oneProcess(
  options: Parameters<typeof run>[0],
  one: EffectsCase | undefined,
): Promise<EffectsReport | undefined> {
  if (one?.at === undefined) return (await run<EffectsReport>(options)).result;
  try {
    await crash({ ...options, at: one.at, hit: one.hit ?? 1 });
    return undefined;
  } catch (error) {
    if (!CrashError.isInstance(error, "crash-point-not-reached")) throw error;
    const { reports } = error.details as { reports: { kind: string; json?: string }[] };
    const last = reports.findLast(({ kind }) => kind === "result")?.json;
    if (last === undefined) throw error;
    return JSON.parse(last) as EffectsReport;
  }
}

/** What of an outcome is not as promised; empty where all is. */
export function faultsOf(
  one: EffectsCase,
  outcome: EffectsOutcome,
  uncrashed: EffectsOutcome,
): string[] {
  const faults: string[] = [];
  for (const about of Object.keys(uncrashed.done)) {
    const times = outcome.done[about] ?? 0;
    if (times !== 1) faults.push(`${about} was done ${times} times`);
  }
  const further = Object.keys(outcome.done).filter((about) => uncrashed.done[about] === undefined);
  if (further.length > 0) faults.push(`also done: ${further.join(", ")}`);
  if (JSON.stringify(outcome.said) !== JSON.stringify(uncrashed.said)) {
    faults.push(
      `the final state is ${JSON.stringify(outcome.said)}, uncrashed ${JSON.stringify(uncrashed.said)}`,
    );
  }
  return faults;
}

const TOOLS: Record<Scene, readonly string[]> = {
  "one tool": ["notify"],
  "three parallel": ["refund", "notify", "credit"],
  subgraph: ["refund"],
  "interrupt in the same turn": ["notify", "ask"],
  "planned anew": ["refund", "notify", "credit"],
};

/** What the model answers: each time a case asks for the same turn again, in another order and other words. */
export const effectsScript: ChatScriptFunction = ({ messages }, { attempt }) => {
  const user = messages.findLast(({ role }) => role === "user");
  const scene = String(user?.content).split(":")[0] as Scene;
  const answered = messages.some(({ role }) => role === "assistant");
  return answered ? { content: "All is done." } : { toolCalls: plan(TOOLS[scene], attempt) };
};

function plan(names: readonly string[], attempt: number): NonNullable<ChatReply["toolCalls"]> {
  const even = attempt % 2 === 0;
  const ordered = even ? names.toReversed() : names;
  const reasons = ["charged twice", "was charged two times", "double charge"];
  return ordered.map((name) => ({
    name,
    args: {
      order: "A1",
      amount: even ? "20.00" : "20",
      reason: reasons[attempt % reasons.length] ?? "charged twice",
    },
  }));
}
