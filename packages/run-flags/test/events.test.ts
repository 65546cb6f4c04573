import { defineMiddleware, memoryStore } from "@evenkeel/core";
import type { AnyMiddleware, EventFields, EvenkeelEvent, EvenkeelEventName } from "@evenkeel/core";
import { MemorySaver } from "@langchain/langgraph";
import { describe, expect, test } from "vitest";

import { NO_EVENTS, eventSums, takeEvent } from "../src/gather/run-events.ts";
import { runFlagsMiddleware } from "../src/index.ts";
import type { KeptRun } from "../src/index.ts";
import { GOOD, onThread, refundAgent, request } from "./support/refund-agent.ts";

type Said = readonly [EvenkeelEventName, EventFields?];

/** Another middleware: it says things around tool calls, and nothing else. */
function saying(byTool: Readonly<Record<string, readonly Said[]>>): AnyMiddleware {
  return defineMiddleware({
    name: "sayingMiddleware",
    options: {},
    async wrapToolCall(call, handler, { emit }) {
      const result = await handler(call);
      for (const [name, fields] of byTool[call.toolCall.name] ?? []) emit(name, fields);
      return result;
    },
  });
}

async function runWith(byTool: Readonly<Record<string, readonly Said[]>>): Promise<KeptRun> {
  const store = memoryStore();
  const stack = [runFlagsMiddleware({ store }), saying(byTool)];
  await refundAgent(GOOD, stack).invoke(request(), onThread("t"));
  const [record] = await store.listRecords({});
  return record?.facts["runFlags"] as KeptRun;
}

function event(name: EvenkeelEventName, detail: object = {}, callId: string | null = null) {
  const base = { v: 1, executionId: "e", sequence: 1, threadId: null, attempt: 1, node: null };
  const rest = { at: "", severity: "info", mode: "live", by: "other" } as const;
  return { ...base, ...rest, name, callId, detail } as EvenkeelEvent;
}

describe("what other middleware report", () => {
  test.each([
    [
      "loop-detected",
      { callId: "c2", detail: { kind: "same-call-same-result", rounds: 5, action: "block" } },
      { loop: { kind: "same-call-same-result", rounds: 5, action: "block", step: 1 } },
      { rule: "loop", step: 1 },
    ],
    [
      "budget-warned",
      { detail: { limit: "tokens", spent: 95, allowed: 100 } },
      { budgetSpent: 0.95, budget: "tokens" },
      { rule: "budget-nearly-spent", severity: "low" },
    ],
    [
      "budget-exhausted",
      { detail: {} },
      { budgetSpent: 1 },
      { rule: "budget-nearly-spent", severity: "medium" },
    ],
    [
      "breaker-opened",
      { detail: { tool: "refund" } },
      { breakers: ["refund"] },
      { rule: "breaker-opened", step: null },
    ],
    [
      "effect-unknown",
      { callId: "c2", detail: { tool: "refund" } },
      { unknownEffects: ["refund"], effects: 1 },
      { rule: "effect-unknown", severity: "high", step: 1 },
    ],
    [
      "config-drifted",
      { detail: { fields: [{ field: "model.temperature" }, { field: "prompt" }] } },
      { drift: ["model.temperature", "prompt"] },
      { rule: "config-drift" },
    ],
    [
      "tool-vanished",
      { detail: { tool: "refund" } },
      { drift: ["tool-vanished: refund"] },
      { rule: "config-drift" },
    ],
  ] as const)("%s reaches the record and its rule", async (name, fields, report, flag) => {
    const kept = await runWith({ refund: [[name, fields]] });
    expect(kept.report).toMatchObject({ ...report, events: { [name]: 1 } });
    expect(kept.judgement?.flags).toContainEqual(expect.objectContaining(flag));
  });

  test("offloads and reused effects are counted, and flag nothing", async () => {
    const kept = await runWith({
      get_order: [["result-offloaded"], ["result-offloaded"]],
      refund: [["effect-reused", { detail: { tool: "refund" } }]],
    });
    expect(kept.report).toMatchObject({ offloads: 2, effects: 1 });
    expect(kept.judgement).toMatchObject({ flags: [], flagged: false });
  });

  test("and what an earlier process heard is kept with the thread", async () => {
    const store = memoryStore();
    const checkpointer = new MemorySaver();
    const agent = (fails: boolean) =>
      refundAgent(
        GOOD,
        [
          runFlagsMiddleware({ store }),
          saying({ get_order: [["breaker-opened", { detail: { tool: "ledger" } }]] }),
        ],
        {
          checkpointer,
          beforeModel: (turn) => {
            if (fails && turn === 1) throw new Error("the process ends here");
          },
        },
      );
    await expect(agent(true).invoke(request(), onThread("t"))).rejects.toThrow("ends here");
    await agent(false).invoke(null, onThread("t"));
    const [record] = await store.listRecords({});
    const kept = record?.facts["runFlags"] as KeptRun;
    expect(kept.report).toMatchObject({
      outcome: "completed",
      resumes: 1,
      breakers: ["ledger"],
      events: { "breaker-opened": 1 },
    });
  });
});

describe("the sums of events", () => {
  test("keep the heaviest loop and the nearest budget", () => {
    const events = [
      event("loop-detected", { kind: "a", rounds: 7 }, "c7"),
      event("loop-detected", { kind: "b", rounds: 3 }, "c3"),
      event("budget-warned", { share: 0.97 }),
      event("budget-warned", { share: 0.91 }),
    ];
    expect(events.reduce(takeEvent, NO_EVENTS)).toMatchObject({
      counts: { "loop-detected": 2, "budget-warned": 2 },
      loop: { kind: "a", rounds: 7, callId: "c7" },
      budgetSpent: 0.97,
    });
  });

  test("stay small, however much is reported and whatever it holds", () => {
    let sums = NO_EVENTS;
    for (let index = 0; index < 5_000; index += 1) {
      sums = takeEvent(sums, event(`custom-${index}`, {}));
      sums = takeEvent(sums, event("breaker-opened", { tool: `${"x".repeat(9_000)}${index}` }));
      sums = takeEvent(
        sums,
        event("config-drifted", { fields: [null, 5, { field: `f${index}` }] }),
      );
      sums = takeEvent(sums, event("loop-detected", { rounds: Number.NaN, kind: 5 }));
      sums = takeEvent(sums, event("budget-warned", { spent: 1, allowed: 0 }));
    }
    expect(JSON.stringify(sums).length).toBeLessThan(12_000);
    expect(sums.loop).toMatchObject({ kind: "loop", rounds: 3 });
  });

  test("that are damaged read as none", () => {
    expect(eventSums("gone")).toEqual(NO_EVENTS);
    expect(eventSums({ drift: ["a"] })).toEqual({ ...NO_EVENTS, drift: ["a"] });
  });
});
