import type { RunRecord } from "@evenkeel/core";
import { evenkeelPostgres } from "@evenkeel/postgres";
import type { EvenkeelPostgres } from "@evenkeel/postgres";
import { freshDatabase } from "@evenkeel/testing";
import type { FreshDatabase } from "@evenkeel/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { flagExecution, runFlagsMiddleware, sweepStale } from "../src/index.ts";
import type { KeptRun, RunFlagsMiddlewareOptions } from "../src/index.ts";
import { BAD, GOOD, onThread, refundAgent, request } from "./support/refund-agent.ts";
import type { Script } from "./support/refund-agent.ts";

let database: FreshDatabase;
let store: EvenkeelPostgres;
const statements: string[] = [];

beforeAll(async () => {
  database = await freshDatabase();
  const { pool } = database;
  store = evenkeelPostgres({
    connect: () => pool.connect(),
    query: (text, values) => {
      statements.push(/^\s*(\w+)/.exec(text)?.[1] ?? "");
      return pool.query(text, values);
    },
  });
  await store.setup();
});
afterAll(() => database.drop());

async function keptOf(thread: string) {
  const [record] = await store.listRecords({ threadId: thread });
  return { record, kept: record?.facts["runFlags"] as KeptRun };
}

async function statementsOf(
  script: Script,
  thread: string,
  options: RunFlagsMiddlewareOptions = {},
): Promise<string[]> {
  const flags = runFlagsMiddleware({ store, ...options });
  const agent = refundAgent(script, [flags]);
  statements.length = 0;
  await agent.invoke(request(), onThread(thread));
  await flags.flush();
  return [...statements];
}

describe("on Postgres", () => {
  test("an execution costs two statements, and the history is read once a minute", async () => {
    const flags = runFlagsMiddleware({ store });
    await refundAgent(GOOD, [flags]).invoke(request(), onThread("warm"));
    await flags.flush();
    statements.length = 0;
    await refundAgent(GOOD, [flags]).invoke(request(), onThread("counted"));
    await flags.flush();
    expect(statements).toEqual(["INSERT", "UPDATE"]);
    expect(await statementsOf(GOOD, "alone", { baseline: false })).toHaveLength(2);
    expect(await statementsOf(GOOD, "first")).toHaveLength(3);
  });

  test("one that is flagged and told costs one more", async () => {
    const told = await statementsOf(BAD, "told", { baseline: false, routes: [{ to: () => {} }] });
    expect(told).toEqual(["INSERT", "UPDATE", "UPDATE"]);
    expect((await keptOf("told")).kept.review).toMatchObject({ state: "sent" });
  });

  test("a new process compares with the good runs of others, in its tenant alone", async () => {
    for (const thread of ["a", "b", "c", "d", "e"]) await statementsOf(GOOD, `usual-${thread}`);
    const lazy: Script = [{ content: "Order A-1001 was refunded." }];
    await statementsOf(lazy, "lazy");
    const { kept } = await keptOf("lazy");
    expect(kept.judgement?.flags.map(({ rule }) => rule)).toContain("usual-tool-missing");
    const flags = runFlagsMiddleware({ store });
    const stranger = refundAgent(lazy, [flags], { scope: () => "another tenant" });
    await stranger.invoke(request(), onThread("stranger"));
    await flags.flush();
    const { kept: alone } = await keptOf("stranger");
    expect(alone.judgement?.flags.map(({ rule }) => rule)).not.toContain("usual-tool-missing");
  });

  test("a person's flag and its audit are kept", async () => {
    await statementsOf(GOOD, "flagged");
    const { record } = await keptOf("flagged");
    const id = record?.executionId ?? "";
    await flagExecution(id, { reason: "rude", actor: "ada", store });
    expect((await keptOf("flagged")).kept.people).toMatchObject([{ actor: "ada" }]);
    expect(await store.listAudit({ executionId: id })).toHaveLength(1);
  });

  test("what people flag while it runs, and at once, all stays", async () => {
    const people = ["ada", "ben", "cleo", "dan"];
    const raise = (id: string, actor: string) =>
      flagExecution(id, { reason: "rude", comment: actor, actor, store });
    const flags = runFlagsMiddleware({ store, baseline: false });
    const watched = refundAgent(GOOD, [flags], {
      beforeModel: async (turn) => {
        if (turn !== 1) return;
        // A record is begun beside the run, which does not wait for it.
        await flags.flush();
        const [running] = await store.listRecords({ threadId: "crowd", status: "running" });
        const id = running?.executionId ?? "";
        await Promise.all(people.map((actor) => raise(id, actor)));
      },
    });
    await watched.invoke(request(), onThread("crowd"));
    await flags.flush();
    const { record, kept } = await keptOf("crowd");
    expect(record?.status).toBe("completed");
    expect(kept.people.map(({ actor }) => actor).toSorted()).toEqual(people);
    expect(kept.judgement).not.toBeNull();
  });

  test("a sweep finds what is stale behind more runs than fit on a page", async () => {
    const { record } = await keptOf("flagged");
    if (record === undefined) throw new Error("no record");
    const now = Date.now();
    const busy = Array.from({ length: 700 }, (_, seconds): RunRecord => {
      const startedAt = new Date(now - seconds * 1_000).toISOString();
      const begun = { ...record, startedAt, endedAt: startedAt, status: "running" as const };
      return { ...begun, executionId: `busy-${seconds}` };
    });
    await Promise.all(busy.map((one) => store.putRecord(one)));
    const swept = await sweepStale({
      store,
      olderThanMs: 600_000,
      clock: () => now + 500,
    });
    expect(swept.map(({ executionId }) => executionId)).toEqual(
      Array.from({ length: 100 }, (_, index) => `busy-${600 + index}`),
    );
    expect(await store.listRecords({ status: "running" })).toHaveLength(600);
  });
});
