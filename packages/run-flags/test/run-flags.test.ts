import { memoryStore } from "@evenkeel/core";
import type { EvenkeelEvent, EvenkeelStore, RecordStore } from "@evenkeel/core";
import { Command } from "@langchain/langgraph";
import { describe, expect, test } from "vitest";

import { defineFlagRule, flagExecution, runFlagsMiddleware, sweepStale } from "../src/index.ts";
import type { FlaggedRun, KeptRun, RunFlagsMiddleware } from "../src/index.ts";
import { ASKING, BAD, GOOD, onThread, refundAgent, request } from "./support/refund-agent.ts";

function kept(record: { facts: Readonly<Record<string, unknown>> } | undefined): KeptRun {
  return record?.facts["runFlags"] as KeptRun;
}

async function onlyRecord(store: EvenkeelStore) {
  const records = await store.listRecords({});
  expect(records).toHaveLength(1);
  const [record] = records;
  return { record, run: kept(record) };
}

describe("the record of an execution", () => {
  test("holds what the run did, and no flag where it was good", async () => {
    const store = memoryStore();
    const flags = runFlagsMiddleware({ store });
    await refundAgent(GOOD, [flags]).invoke(request(), onThread("good"));
    const { record, run } = await onlyRecord(store);
    expect(record).toMatchObject({ status: "completed", threadId: "good" });
    expect(run.report).toMatchObject({
      outcome: "completed",
      modelCalls: 3,
      toolCalls: 2,
      failedCalls: 0,
      tokens: { input: 300, output: 30 },
      requests: 1,
      tools: { get_order: { calls: 1, failed: 0 }, refund: { calls: 1, failed: 0 } },
      resumes: 0,
    });
    expect(run).toMatchObject({ judgement: { flagged: false }, clean: true });
    expect(JSON.stringify(record)).not.toContain("anna@example.com");
  });

  test("is flagged where the last call failed", async () => {
    const store = memoryStore();
    const events: EvenkeelEvent[] = [];
    const flags = runFlagsMiddleware({ store });
    const agent = refundAgent(BAD, [flags], { onEvent: (event) => events.push(event) });
    await agent.invoke(request(), onThread("bad"));
    const { run } = await onlyRecord(store);
    expect(run).toMatchObject({ judgement: { flagged: true, severity: "medium" }, clean: false });
    expect(run.judgement?.flags.map(({ rule }) => rule)).toContain("last-call-failed");
    expect(events.filter(({ name }) => name === "run-flagged")).toHaveLength(1);
  });

  test("says that the graph threw, and with what", async () => {
    const store = memoryStore();
    const agent = refundAgent(GOOD, [runFlagsMiddleware({ store })], {
      beforeModel: (turn) => {
        if (turn === 1) throw new TypeError("the node is broken");
      },
    });
    await expect(agent.invoke(request(), onThread("t"))).rejects.toThrow("the node is broken");
    const { record, run } = await onlyRecord(store);
    expect(record?.status).toBe("failed");
    expect(run.report).toMatchObject({ outcome: "failed", error: { code: "TypeError" } });
    expect(run.judgement?.flags.map(({ rule }) => rule)).toContain("ended-in-error");
  });

  test("tells an aborted run from a failed one", async () => {
    const store = memoryStore();
    const stop = new AbortController();
    const agent = refundAgent(GOOD, [runFlagsMiddleware({ store })], {
      beforeModel: (turn) => {
        if (turn === 1) stop.abort();
      },
    });
    await expect(
      agent.invoke(request(), { ...onThread("t"), signal: stop.signal }),
    ).rejects.toThrow(/abort/i);
    const { run } = await onlyRecord(store);
    expect(run.report.outcome).toBe("aborted");
  });

  test("of a paused execution goes on where it stopped, in another process as well", async () => {
    const store = memoryStore();
    const first = refundAgent(ASKING, [runFlagsMiddleware({ store })]);
    await first.invoke(request(), onThread("t"));
    const paused = await onlyRecord(store);
    expect(paused.record?.status).toBe("interrupted");
    expect(paused.run.judgement).toBeNull();
    const { checkpointer } = first as { checkpointer?: unknown };
    const second = refundAgent(ASKING, [runFlagsMiddleware({ store })], {
      checkpointer: checkpointer as never,
    });
    await second.invoke(new Command({ resume: "yes" }), onThread("t"));
    const { record, run } = await onlyRecord(store);
    expect(record?.executionId).toBe(paused.record?.executionId);
    expect(run.report).toMatchObject({
      outcome: "completed",
      modelCalls: 3,
      toolCalls: 2,
      resumes: 0,
      tokens: { input: 300, output: 30 },
    });
  });

  test("of an execution that a new input ended says so", async () => {
    const store = memoryStore();
    const agent = refundAgent(ASKING, [runFlagsMiddleware({ store })]);
    await agent.invoke(request(), onThread("t"));
    await agent.invoke(request(), onThread("t"));
    const records = await store.listRecords({});
    expect(records.map(({ status }) => status).toSorted()).toEqual(["interrupted", "superseded"]);
    const ended = records.find(({ status }) => status === "superseded");
    expect(kept(ended).report.outcome).toBe("superseded");
  });
});

describe("what is done with a flagged run", () => {
  test("it goes to the routes that ask for its severity or its class, and no other", async () => {
    const heard: Record<string, FlaggedRun[]> = { medium: [], critical: [], policy: [] };
    const flags = runFlagsMiddleware({
      routes: [
        { from: "medium", to: (run) => void heard["medium"]?.push(run) },
        { from: "critical", to: (run) => void heard["critical"]?.push(run) },
        { classes: ["policy"], to: (run) => void heard["policy"]?.push(run) },
      ],
    });
    await refundAgent(BAD, [flags]).invoke(request(), onThread("t"));
    await refundAgent(GOOD, [flags]).invoke(request(), onThread("t"));
    await flags.flush();
    expect(heard["medium"]).toMatchObject([{ threadId: "t", severity: "medium", runId: null }]);
    expect(heard["critical"]).toEqual([]);
    expect(heard["policy"]).toEqual([]);
  });

  test("a route that throws is reported and takes no other with it", async () => {
    const errors: unknown[] = [];
    let heard = 0;
    const flags = runFlagsMiddleware({
      onError: (error) => errors.push(error),
      routes: [{ to: () => Promise.reject(new Error("no")) }, { to: () => void (heard += 1) }],
    });
    await refundAgent(BAD, [flags]).invoke(request(), onThread("t"));
    await flags.flush();
    expect(heard).toBe(1);
    expect(errors).toMatchObject([{ code: "review-failed" }]);
  });

  test("nothing is sent in observe, and the record is kept", async () => {
    const store = memoryStore();
    const events: EvenkeelEvent[] = [];
    let heard = 0;
    const flags = runFlagsMiddleware({
      store,
      mode: "observe",
      routes: [{ to: () => void (heard += 1) }],
    });
    const agent = refundAgent(BAD, [flags], { onEvent: (event) => events.push(event) });
    await agent.invoke(request(), onThread("t"));
    await flags.flush();
    const { run } = await onlyRecord(store);
    expect(run.judgement?.flagged).toBe(true);
    expect(heard).toBe(0);
    expect(events.map(({ name }) => name)).not.toContain("run-flagged");
    expect(events.map(({ name }) => name)).toContain("would-have-acted");
  });

  test("nor by a sweep over what was observed, until a person insists", async () => {
    const store = memoryStore();
    const heard: string[] = [];
    const routes = [{ to: ({ outcome }: FlaggedRun) => void heard.push(outcome) }];
    const flags = runFlagsMiddleware({ store, mode: "observe" });
    await refundAgent(ASKING, [flags]).invoke(request(), onThread("t"));
    const clock = (): number => Date.now() + 7_200_000;
    const swept = await sweepStale({ store, olderThanMs: 3_600_000, clock, routes });
    expect(swept).toMatchObject([{ outcome: "interrupted" }]);
    expect(heard).toEqual([]);
    const { executionId = "" } = swept[0] ?? {};
    await flagExecution(executionId, { reason: "rude", actor: "ada", store, routes });
    expect(heard).toEqual(["interrupted"]);
  });
});

describe("a run goes on", () => {
  test("where a rule throws, and the other rules judge it", async () => {
    const store = memoryStore();
    const bad = defineFlagRule({
      name: "bad-rule",
      failureClass: "policy",
      judge: () => {
        throw new Error("a rule's own defect");
      },
    });
    const flags = runFlagsMiddleware({ store, rules: { add: [bad] } });
    await refundAgent(BAD, [flags]).invoke(request(), onThread("t"));
    const { run } = await onlyRecord(store);
    expect(run.judgement).toMatchObject({
      flagged: true,
      broken: [{ rule: "bad-rule", message: "a rule's own defect" }],
    });
  });

  test("where the store refuses everything, and says so with a code", async () => {
    const down = (): Promise<never> => Promise.reject(new Error("connection refused"));
    const store: RecordStore = { putRecord: down, getRecord: down, listRecords: down };
    const errors: unknown[] = [];
    const flags = runFlagsMiddleware({ store, onError: (error) => errors.push(error) });
    const { messages } = await refundAgent(GOOD, [flags]).invoke(request(), onThread("t"));
    expect(messages.at(-1)?.text).toContain("refunded");
    expect(errors).toMatchObject([{ code: "record-failed" }, { code: "record-failed" }]);
  });

  test("where the store never answers", async () => {
    const never = (): Promise<never> => new Promise(() => undefined);
    const store: RecordStore = { putRecord: never, getRecord: never, listRecords: never };
    const agent = refundAgent(GOOD, [runFlagsMiddleware({ store })]);
    const { messages } = await agent.invoke(request(), onThread("t"));
    expect(messages.at(-1)?.text).toContain("refunded");
  });

  test("and is compared with the good runs of other threads", async () => {
    const store = memoryStore();
    for (const thread of ["a", "b", "c", "d", "e"]) {
      await refundAgent(GOOD, [runFlagsMiddleware({ store })]).invoke(request(), onThread(thread));
    }
    const lazy = [{ content: "Order A-1001 was refunded." }];
    await refundAgent(lazy, [runFlagsMiddleware({ store })]).invoke(request(), onThread("f"));
    const record = (await store.listRecords({ limit: 100 })).find(
      ({ threadId }) => threadId === "f",
    );
    expect(kept(record).judgement?.flags.map(({ rule }) => rule)).toContain("usual-tool-missing");
  });
});

describe("people and the sweep", () => {
  test("flagExecution keeps who and why, with a row of audit, once", async () => {
    const store = memoryStore();
    await refundAgent(GOOD, [runFlagsMiddleware({ store })]).invoke(request(), onThread("t"));
    const { record } = await onlyRecord(store);
    const id = record?.executionId ?? "";
    const why = { reason: "wrong-amount", actor: "ada", comment: "40, not 14", store };
    await flagExecution(id, why);
    await flagExecution(id, why);
    const { run } = await onlyRecord(store);
    expect(run).toMatchObject({ clean: false, people: [{ reason: "wrong-amount", actor: "ada" }] });
    expect(await store.listAudit({ executionId: id })).toMatchObject([
      { act: "flag-execution", actor: "ada", reason: "wrong-amount" },
    ]);
  });

  test("flagExecution refuses an unknown execution and an empty actor", async () => {
    const store = memoryStore();
    await expect(flagExecution("none", { reason: "r", actor: "a", store })).rejects.toMatchObject({
      code: "execution-unknown",
    });
    await expect(flagExecution("none", { reason: "r", actor: " ", store })).rejects.toMatchObject({
      code: "invalid-options",
    });
  });

  test("sweepStale flags an execution that has waited too long, once", async () => {
    const store = memoryStore();
    await refundAgent(ASKING, [runFlagsMiddleware({ store })]).invoke(request(), onThread("t"));
    const clock = (): number => Date.now() + 7_200_000;
    expect(await sweepStale({ store, olderThanMs: 14_400_000, clock })).toEqual([]);
    expect(await sweepStale({ store, olderThanMs: 3_600_000, clock })).toMatchObject([
      { outcome: "interrupted", flags: [{ rule: "paused-too-long" }] },
    ]);
    expect(await sweepStale({ store, olderThanMs: 3_600_000, clock })).toEqual([]);
  });

  test("sweepStale records an execution that never came to its end as died", async () => {
    const store = memoryStore();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const agent = refundAgent(GOOD, [runFlagsMiddleware({ store })], {
      beforeModel: () => held,
    });
    const running = agent.invoke(request(), onThread("t"));
    while ((await store.listRecords({ status: "running" })).length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const clock = (): number => Date.now() + 7_200_000;
    const [swept] = await sweepStale({ store, olderThanMs: 3_600_000, clock });
    expect(swept).toMatchObject({ outcome: "died" });
    expect(swept?.flags.map(({ rule }) => rule)).toContain("ended-in-error");
    expect(await store.listRecords({ status: "failed" })).toHaveLength(1);
    release();
    await running;
  });

  test("sweepStale refuses an age that is none", async () => {
    await expect(sweepStale({ store: memoryStore(), olderThanMs: -1 })).rejects.toMatchObject({
      code: "invalid-options",
    });
  });
});

describe("what a run cost", () => {
  test("is summed over calls and processes, compared and limited", async () => {
    const store = memoryStore();
    const asked: unknown[] = [];
    const flags = (): RunFlagsMiddleware =>
      runFlagsMiddleware({
        store,
        rules: { limits: { costUsd: 0.5 } },
        price: (call) => {
          asked.push(call);
          return call.inputTokens * 0.002;
        },
      });
    const first = refundAgent(ASKING, [flags()]);
    await first.invoke(request(), onThread("t"));
    const { checkpointer } = first as { checkpointer?: unknown };
    const second = refundAgent(ASKING, [flags()], { checkpointer: checkpointer as never });
    await second.invoke(new Command({ resume: "yes" }), onThread("t"));
    const { run } = await onlyRecord(store);
    expect(run.report.costUsd).toBeCloseTo(0.6);
    expect(run.judgement?.flags).toContainEqual(expect.objectContaining({ rule: "over-limit" }));
    expect(asked[0]).toMatchObject({ inputTokens: 100, outputTokens: 10, totalTokens: 110 });
  });

  test("is nothing where the price throws or is none, and the run goes on", async () => {
    const store = memoryStore();
    const errors: unknown[] = [];
    const flags = runFlagsMiddleware({
      store,
      onError: (error) => errors.push(error),
      price: ({ outputTokens }) => {
        if (outputTokens > 0) throw new Error("no price list");
        return Number.NaN;
      },
    });
    await refundAgent(GOOD, [flags]).invoke(request(), onThread("t"));
    const { run } = await onlyRecord(store);
    expect(run.report).toMatchObject({ costUsd: null, outcome: "completed" });
    expect(errors.length).toBeGreaterThan(0);
  });
});

describe("bad options", () => {
  test.each([
    ["an unknown one", { rule: [] }, "rule"],
    ["a severity that is none", { severity: "grave" }, "severity"],
    ["a share above 1", { sampleGood: 2 }, "sampleGood"],
    ["a store without methods", { store: {} }, "store"],
    ["a route without a target", { routes: [{ from: "high" }] }, "routes.to"],
    ["a webhook that is no URL", { routes: [{ to: { webhook: "here" } }] }, "routes.to"],
    ["a rule that cannot judge", { rules: { add: [{ name: "x" }] } }, "rules.add"],
    ["an unknown limit", { rules: { limits: { steps: 3 } } }, "rules.limits.steps"],
    ["a baseline of no run", { baseline: { minRuns: 0 } }, "baseline.minRuns"],
    ["LangSmith without a client", { langsmith: {} }, "langsmith"],
    ["a price list that is no function", { price: { "gpt-5.2": 1 } }, "price"],
    [
      "a rule with a name that is no tag",
      { rules: { add: [{ name: "Bad name", judge: () => {} }] } },
      "rules.add",
    ],
  ])("%s is refused by name", (_title, options, option) => {
    expect(() => runFlagsMiddleware(options as never)).toThrow(
      expect.objectContaining({
        code: "invalid-options",
        details: expect.objectContaining({ option }),
      }),
    );
  });
});
