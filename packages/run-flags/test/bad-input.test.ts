import { memoryStore } from "@evenkeel/core";
import type { RunRecord } from "@evenkeel/core";
import { evenkeelPostgres } from "@evenkeel/postgres";
import { freshDatabase } from "@evenkeel/testing";
import type { FreshDatabase } from "@evenkeel/testing";
import { AIMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { gatherRun } from "../src/gather/gathered-run.ts";
import { flagExecution, runFlagsMiddleware, sweepStale } from "../src/index.ts";
import type { KeptRun } from "../src/index.ts";
import { keptRun } from "../src/keep/kept-run.ts";
import { runBaselines } from "../src/keep/run-baselines.ts";
import { recordRun } from "../src/record-run.ts";
import { plainText } from "../src/shape/plain-text.ts";
import { bad, judged, ok, rulesOf, sampleRun, turn } from "./sample-run.ts";
import { localReview } from "./support/local-review.ts";
import type { LocalReview } from "./support/local-review.ts";
import { BAD, GOOD, onThread, refundAgent, request } from "./support/refund-agent.ts";

/** HTML, script, terminal controls, a direction override, NUL, a lone surrogate. */
const HOSTILE = "<img src=x onerror=alert(1)>\u001B[2J\u0000\u202Egnp.exe\uD800__proto__";

let database: FreshDatabase;
let local: LocalReview;
beforeAll(async () => {
  database = await freshDatabase();
  await evenkeelPostgres(database.pool).setup();
});
afterAll(() => database.drop());
beforeEach(async () => {
  local = await localReview();
});
afterEach(() => local.endpoint.close());

describe("a hostile trace", () => {
  test("is recorded on Postgres and told to LangSmith as plain text", async () => {
    const store = evenkeelPostgres(database.pool);
    const flags = runFlagsMiddleware({ store, langsmith: { client: local.client } });
    await local.traced(
      [
        { toolCalls: [{ id: HOSTILE, name: HOSTILE, args: { [HOSTILE]: HOSTILE } }] },
        { toolCalls: [{ id: "c2", name: HOSTILE, args: {} }] },
        { content: `I'm sorry, I could not. ${HOSTILE}` },
      ],
      flags,
      { thread: "hostile", input: { messages: [new HumanMessage(HOSTILE)] } },
    );
    await flags.flush();
    const [record] = await store.listRecords({ threadId: "hostile" });
    const kept = keptRun(record);
    expect(kept?.judgement?.flags.map(({ rule }) => rule)).toContain("unknown-tool");
    const [feedback] = local.endpoint.feedback;
    // oxlint-disable-next-line no-control-regex
    expect(feedback?.comment).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u202A-\u202E\uD800]/);
    expect(feedback?.comment).toContain("unknown-tool");
    expect(local.rootOf("hostile")?.tags).toContain("evenkeel:flag:unknown-tool");
  });

  test("names of tools like __proto__ are names of tools", () => {
    const calls = ["__proto__", "constructor", "toString"].map((name) => turn([ok(name, {}, "x")]));
    const report = recordRun(sampleRun({ turns: calls }));
    const { tools } = JSON.parse(JSON.stringify(report)) as typeof report;
    expect(Object.entries(tools).map(([name, { calls: count }]) => `${name} ${count}`)).toEqual([
      "__proto__ 1",
      "constructor 1",
      "toString 1",
    ]);
    expect(() => rulesOf(judged(sampleRun({ turns: calls })))).not.toThrow();
  });

  test("text is shown as it is, and what is none is written out", () => {
    expect(plainText("Zoë’s 図書館, 50 % <b>\n\tdone", 100)).toBe("Zoë’s 図書館, 50 % <b>\n\tdone");
    expect(plainText(HOSTILE, 200)).toBe(
      "<img src=x onerror=alert(1)>\\u001b[2J\\u0000\\u202egnp.exe\uFFFD__proto__",
    );
    expect(plainText("x".repeat(1_000), 10)).toHaveLength(10);
  });
});

describe("results and arguments of any size and shape", () => {
  test("a result of 100 MB is recorded by its ends, in no time of its size", () => {
    const huge = Buffer.alloc(100_000_000, "x").toString("latin1");
    const before = process.memoryUsage().heapUsed;
    const report = recordRun(
      sampleRun({ turns: [turn([ok("read", {}, huge)]), turn([], "Done.")] }),
    );
    expect(report.largestResult).toMatchObject({ size: 100_000_000, step: 0 });
    expect(JSON.stringify(report).length).toBeLessThan(5_000);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(50_000_000);
  });

  test("cyclic, huge and unreadable arguments of a live call are gathered", () => {
    const cyclic: Record<string, unknown> = { amount: 10n };
    cyclic["self"] = cyclic;
    const run = gatherRun();
    run.resumed([
      new HumanMessage("Refund it."),
      new AIMessage({ content: "", tool_calls: [{ id: "c1", name: "refund", args: cyclic }] }),
      new ToolMessage({ content: "done", tool_call_id: "c1" }),
      "no message",
      null,
    ]);
    const report = recordRun(sampleRun(run.facts()));
    expect(report.calls).toMatchObject([{ tool: "refund", ok: true }]);
    expect(() => JSON.stringify(report)).not.toThrow();
  });
});

test("secrets in errors of tools and words of people do not reach the record", async () => {
  const key = `sk-proj-${"a1B2c3D4".repeat(6)}`;
  const store = memoryStore();
  const report = recordRun(
    sampleRun({
      outcome: "failed",
      error: { code: "x", message: `401 for ${key}` },
      turns: [turn([bad("pay", {}, `Error: ${"x".repeat(120)} ${key} was refused`)])],
    }),
  );
  expect(JSON.stringify(report)).not.toContain("a1B2c3D4");
  await refundAgent(GOOD, [runFlagsMiddleware({ store })]).invoke(request(), onThread("t"));
  const [record] = await store.listRecords({});
  const executionId = record?.executionId ?? "";
  await flagExecution(executionId, { reason: "leak", actor: "ada", comment: key, store });
  expect(JSON.stringify(await store.listRecords({}))).not.toContain("a1B2c3D4");
  expect(JSON.stringify(await store.listAudit({}))).not.toContain("a1B2c3D4");
});

describe("a clock that lies", () => {
  test("a run that ends before it began took no time, and is recorded", async () => {
    const store = memoryStore();
    let now = Date.now();
    const clock = (): number => (now -= 60_000);
    const agent = refundAgent(GOOD, [runFlagsMiddleware({ store })], { clock });
    await agent.invoke(request(), onThread("t"));
    const [record] = await store.listRecords({});
    const { report, judgement } = record?.facts["runFlags"] as KeptRun;
    expect(report.latencyMs).toBe(0);
    expect(judgement?.flagged).toBe(false);
  });

  test("the sweep leaves a run of the future, and one without a date it finds", async () => {
    const store = memoryStore();
    await refundAgent(GOOD, [runFlagsMiddleware({ store })]).invoke(request(), onThread("t"));
    const [record] = await store.listRecords({});
    if (record === undefined) throw new Error("no record");
    const begun = { ...record, status: "running" as const, endedAt: null };
    const at = (time: string): RunRecord => {
      const { report, ...kept } = record.facts["runFlags"] as KeptRun;
      const dated = { ...report, startedAt: time, endedAt: time };
      return { ...begun, startedAt: time, facts: { runFlags: { ...kept, report: dated } } };
    };
    await store.putRecord(at(new Date(Date.now() + 3_600_000).toISOString()));
    const sweep = () => sweepStale({ store, olderThanMs: 60_000 });
    expect(await sweep()).toEqual([]);
    await store.putRecord(at("1969-13-45"));
    expect((await sweep()).length).toBe(0);
    await store.putRecord(at("2020-01-01T00:00:00.000Z"));
    expect(await sweep()).toMatchObject([{ outcome: "died" }]);
  });
});

describe("history", () => {
  const good = async (store: ReturnType<typeof memoryStore>, thread: string) => {
    await refundAgent(GOOD, [runFlagsMiddleware({ store })]).invoke(request(), onThread(thread));
  };

  test("that bad runs got into moves no verdict, up to nearly half of it", async () => {
    const store = memoryStore();
    for (const thread of ["a", "b", "c", "d", "e", "f"]) await good(store, thread);
    const [one] = await store.listRecords({ threadId: "a" });
    const kept = keptRun(one);
    if (one === undefined || kept === undefined) throw new Error("no record");
    // Runs that looked clean, and used no tool: they ask for a baseline of doing nothing.
    for (let index = 0; index < 5; index += 1) {
      const lazy = {
        ...kept.report,
        executionId: `lazy-${index}`,
        toolCalls: 0,
        calls: [],
        tools: {},
      };
      const facts = { runFlags: { ...kept, report: lazy } };
      await store.putRecord({ ...one, executionId: lazy.executionId, facts });
    }
    const baselines = runBaselines(store, {}, Date.now);
    await baselines.load();
    const baseline = baselines.of({ ...kept.report, executionId: "new" });
    expect(baseline?.runs).toBe(11);
    const lazy = refundAgent(
      [{ content: "Order A-1001 was refunded." }],
      [runFlagsMiddleware({ store })],
    );
    await lazy.invoke(request(), onThread("lazy"));
    await refundAgent(GOOD, [runFlagsMiddleware({ store })]).invoke(request(), onThread("new"));
    const flagged = async (thread: string): Promise<boolean | undefined> =>
      keptRun((await store.listRecords({ threadId: thread }))[0])?.judgement?.flagged;
    expect(await flagged("lazy")).toBe(true);
    expect(await flagged("new")).toBe(false);
  });

  test("that is damaged, of a later release, or flagged by people is left out", async () => {
    const store = memoryStore();
    for (const thread of ["a", "b", "c"]) await good(store, thread);
    const [a, b, c] = await store.listRecords({});
    const kept = keptRun(c);
    if (!a || !b || !c || !kept) throw new Error("no records");
    await store.putRecord({ ...a, facts: { runFlags: { v: 2 } } });
    await store.putRecord({ ...b, facts: { runFlags: { ...kept, report: { v: 1 } } } });
    const person = { id: "p", at: "", reason: "rude", comment: "", actor: "ada" };
    await store.putRecord({ ...c, facts: { runFlags: { ...kept, people: [person] } } });
    const baselines = runBaselines(store, { minRuns: 1 }, Date.now);
    await baselines.load();
    expect(baselines.of({ ...kept.report, executionId: "new" })).toBeUndefined();
  });
});

describe("LangSmith that refuses", () => {
  test("is reported, what it should know stays due, and the sweep tells it", async () => {
    const store = memoryStore();
    // Whatever may pass with time, a dropped connection or a 500, its client tries again itself.
    const end = local.endpoint.fail({ status: 403 }, { path: /feedback$|annotation-queues/ });
    const errors: unknown[] = [];
    const flags = runFlagsMiddleware({
      store,
      langsmith: { client: local.client },
      onError: (error) => errors.push(error),
    });
    await local.traced(BAD, flags);
    await flags.flush();
    expect(errors).toMatchObject([{ code: "review-failed" }, { code: "review-failed" }]);
    const [before] = await store.listRecords({});
    expect(keptRun(before)?.review?.state).toBe("due");
    end();
    await sweepStale({
      store,
      olderThanMs: 1_000,
      langsmith: { client: local.client },
      clock: () => Date.now() + 60_000,
    });
    const [after] = await store.listRecords({});
    expect(keptRun(after)?.review?.state).toBe("sent");
    expect(local.endpoint.feedback).toHaveLength(1);
    expect(local.endpoint.queues.map(({ items }) => items.length)).toEqual([1]);
  });
});
