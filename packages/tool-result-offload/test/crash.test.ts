import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { crash, freshDatabase, run } from "@evenkeel/testing";
import type { FreshDatabase } from "@evenkeel/testing";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { afterAll, beforeAll, expect, test } from "vitest";

import { createResultStore, directoryResults, recallResult } from "../src/index.ts";
import { handleIn } from "./support/shop.ts";

let database: FreshDatabase;
let root: string;
beforeAll(async () => {
  database = await freshDatabase();
  root = await mkdtemp(join(tmpdir(), "results-"));
});
afterAll(async () => {
  await database.drop();
  await rm(root, { recursive: true });
});

test("resumes after a kill between store and checkpoint with one result and a handle that reads", async () => {
  const schema = database.schema ?? "public";
  await new PostgresSaver(database.pool, undefined, { schema }).setup();
  const script = new URL("support/killed-program.ts", import.meta.url);
  const args = [database.url, schema, root];
  await crash({ script, args, at: "result:stored" });
  const resumed = await run<{ answers: string[]; usage: { results: number } }>({
    script,
    args: [...args, "resume"],
  });
  const { answers, usage } = resumed.result;
  expect(answers).toHaveLength(1);
  expect(usage).toMatchObject({ results: 1 });
  const store = createResultStore(directoryResults(root));
  const owner = { scope: JSON.stringify(["", "thread-1"]), threadId: "thread-1" };
  const recalled = await recallResult({ store, owner }, handleIn(answers[0]));
  expect(recalled).toBe("a line of the log\n".repeat(5_000));
});
