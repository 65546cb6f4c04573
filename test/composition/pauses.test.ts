import { evenkeelPostgres } from "@evenkeel/postgres";
import { crash, freshDatabase, replyByTurn, run, startOpenAIEndpoint } from "@evenkeel/testing";
import type { FreshDatabase, OpenAIEndpoint } from "@evenkeel/testing";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { afterAll, beforeAll, expect, test } from "vitest";

import type { Asker } from "./pauses/asking-agent.ts";
import { oneProcess } from "./pauses/one-process.ts";
import type { PauseJob, PauseReport } from "./pauses/one-process.ts";

let endpoint: OpenAIEndpoint;
let database: FreshDatabase;
let schema: string;
beforeAll(async () => {
  const script = replyByTurn([
    ({ messages }) => {
      const asked = String(messages.findLast(({ role }) => role === "user")?.content);
      const amounts = [...asked.matchAll(/\d+/g)].map(([amount]) => Number(amount));
      return { toolCalls: amounts.map((amount) => ({ name: "pay", args: { amount } })) };
    },
    { content: "That is all." },
  ]);
  [endpoint, database] = await Promise.all([startOpenAIEndpoint({ script }), freshDatabase()]);
  schema = database.schema ?? "public";
  await new PostgresSaver(database.pool, undefined, { schema }).setup();
  await evenkeelPostgres(database.pool, { schema: `${schema}_evenkeel` }).setup();
  await database.pool.query(`CREATE TABLE ${schema}.paid (thread text, amount int)`);
});
afterAll(() => Promise.all([endpoint.close(), database.drop()]));

const hitl = (decision: object): object => ({ decisions: [decision] });
const edited = { type: "edit", editedAction: { name: "pay", args: { amount: 7 } } };

const PROGRAM = new URL("./pauses/program.ts", import.meta.url);

/** What two threads have in common: ids of questions are made of theirs. */
const seen = ({ questions, ...report }: PauseReport): object => ({
  ...report,
  questions: questions.map(({ value }) => value),
});

/** Who asks, what is asked for, the answer, what open questions it is given to, how often it pauses, what is paid. */
const CASES: readonly [string, Asker, number[], unknown, "together" | "one by one", number[]][] = [
  ["approve", "humanInTheLoop", [20], hitl({ type: "approve" }), "together", [20]],
  ["edit", "humanInTheLoop", [20], hitl(edited), "together", [7]],
  ["reject", "humanInTheLoop", [20], hitl({ type: "reject", message: "No." }), "together", []],
  ["one question", "tools", [20], "yes", "together", [20]],
  ["one refusal", "tools", [20], "no", "together", []],
  ["two questions", "tools", [20, 30], "yes", "together", [20, 30]],
  ["two questions", "tools", [20, 30], "yes", "one by one", [20, 30]],
  ["one question", "nodes", [20], "yes", "together", [20]],
  ["two questions", "nodes", [20, 30], "yes", "together", [20, 30]],
  ["two questions", "nodes", [20, 30], "yes", "one by one", [20, 30]],
];

test.concurrent.each(CASES)(
  "%s of %s (%j, %j, %s) pauses and goes on as the bare graph, killed at each pause",
  { timeout: 120_000 },
  async (name, asker, amounts, answer, how, paid) => {
    const together = how === "together";
    const pauses = together ? 1 : amounts.length;
    const jobOf = (everything: boolean, reports: readonly PauseReport[]): PauseJob => ({
      asker,
      everything,
      thread: JSON.stringify([name, asker, how, everything]),
      asked: `Pay ${amounts.join(" and ")}.`,
      open: reports.at(-1)?.questions ?? [],
      answer,
      together,
      model: endpoint.url,
      schema,
    });
    const bare: PauseReport[] = [];
    for (let process = 0; process <= pauses; process += 1) {
      bare.push(await oneProcess(jobOf(false, bare), database.pool));
    }

    const killed: PauseReport[] = [];
    for (let process = 0; process <= pauses; process += 1) {
      const args = [JSON.stringify(jobOf(true, killed)), database.url];
      const options = { script: PROGRAM, args, bundle: true };
      const { result } = await (process < pauses
        ? crash({ ...options, at: "paused" })
        : run(options));
      killed.push(result as PauseReport);
    }

    expect(bare.map(({ questions }) => questions.length)).toEqual(
      together ? [amounts.length, 0] : [2, 1, 0],
    );
    expect(killed.map(seen)).toEqual(bare.map(seen));
    const { rows } = await database.pool.query<{ amount: number }>(
      `SELECT amount FROM ${schema}.paid WHERE thread = $1 ORDER BY amount`,
      [jobOf(true, []).thread],
    );
    expect(rows.map(({ amount }) => amount)).toEqual(paid);
  },
);
