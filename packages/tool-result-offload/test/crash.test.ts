import { evenkeelPostgres } from "@evenkeel/postgres";
import type { EvenkeelPostgres } from "@evenkeel/postgres";
import { crash, freshDatabase, run } from "@evenkeel/testing";
import type { FreshDatabase } from "@evenkeel/testing";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { afterAll, beforeAll, expect, test } from "vitest";

import { recallResult } from "../src/index.ts";
import { handleIn } from "./support/shop.ts";

const LOG = "a line of the log\n".repeat(100_000);
const script = new URL("support/killed-program.ts", import.meta.url);

let database: FreshDatabase;
let schema: string;
let store: EvenkeelPostgres;
beforeAll(async () => {
  database = await freshDatabase();
  schema = database.schema ?? "public";
  await new PostgresSaver(database.pool, undefined, { schema }).setup();
  store = evenkeelPostgres(database.pool, { schema: `${schema}_results` });
  await store.setup();
});
afterAll(() => database.drop());

async function contents(): Promise<{ digest: string | null }[]> {
  const { rows } = await database.pool.query<{ digest: string | null }>(
    `SELECT digest FROM "${schema}_results".result_contents`,
  );
  return rows;
}

test.each(["result:stored", "result:half"])(
  "resumes after a kill at %s with one result and a handle that reads",
  async (at) => {
    const owner = { scope: JSON.stringify(["", at]), threadId: at };
    const args = [database.url, schema, at];
    await crash({ script, args, at });
    const { result: answers } = await run<string[]>({ script, args: [...args, "resume"] });
    expect(answers).toHaveLength(1);
    expect(await store.resultUsage(owner)).toMatchObject({ results: 1 });
    expect(await recallResult({ store, owner }, handleIn(answers[0]))).toBe(LOG);
  },
);

test("leaves of a killed write an orphan that prune removes an hour later", async () => {
  const finished = await contents();
  expect(finished.filter(({ digest }) => digest === null)).toHaveLength(1);
  expect(await store.prune({ olderThanMs: 1e12 })).toBe(0);
  await database.pool.query(
    `UPDATE "${schema}_results".result_contents SET started_at = now() - interval '2 hours'`,
  );
  expect(await store.prune({ olderThanMs: 1e12 })).toBe(1);
  expect((await contents()).map(({ digest }) => typeof digest)).toEqual(["string", "string"]);
});
