import { CoreError, memoryStore } from "@evenkeel/core";
import { ToolMessage } from "@langchain/core/messages";
import { Command, interrupt } from "@langchain/langgraph";
import { describe, expect, it } from "vitest";

import { idempotencyKey } from "../src/index.ts";
import { KINDS, SCOPE, bank, calls, doing, dying, leaseOver } from "./support/bank.ts";

const done = { content: "Done." };

/** A turn that is planned anew the second time it is asked for. */
function replanned(
  first: ReturnType<typeof calls>,
  then: ReturnType<typeof calls>,
): (call: { attempt: number }) => ReturnType<typeof calls> {
  return ({ attempt }) => (attempt === 1 ? first : then);
}

describe.each(KINDS)("on $name", (kind) => {
  it("does an effect once although its worker died before it was recorded, and says so to its service", async () => {
    const keys: string[] = [];
    const refund = doing("refund", () => {
      keys.push(idempotencyKey());
      return "refunded";
    });
    const keeps = dying(memoryStore(), 1);
    const one = await bank({
      kind,
      turns: [calls(["refund"]), done],
      does: [refund],
      keeps,
      tools: { refund: "keyed" },
    });
    await expect(one.start()).rejects.toThrow("the worker dies here");
    await leaseOver();
    const { answers } = await one.go(null);
    expect(answers.map(({ text }) => text)).toEqual(["refunded"]);
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^ek_[0-9a-f]{40}$/);
  });

  it("asks a person about an effect nobody can tell about, and makes the call where approved", async () => {
    let times = 0;
    const refund = doing("refund", () => `refunded ${(times += 1)}`);
    const keeps = dying(memoryStore(), 1);
    const one = await bank({ kind, turns: [calls(["refund"]), done], does: [refund], keeps });
    await expect(one.start()).rejects.toThrow("the worker dies here");
    await leaseOver();
    const paused = await one.go(null);
    expect(paused.question).toMatchObject({
      actionRequests: [{ name: "refund", args: { order: "A1" } }],
      reviewConfigs: [{ actionName: "refund", allowedDecisions: ["approve", "reject"] }],
    });
    expect(times).toBe(1);
    const { answers } = await one.decide({ type: "approve" });
    expect(answers.map(({ text }) => text)).toEqual(["refunded 2"]);
    expect(one.events.map(({ name }) => name)).toContain("effect-unknown");
  });

  it("answers with a person's words where the call is rejected, and again on replay", async () => {
    let times = 0;
    const refund = doing("refund", () => `refunded ${(times += 1)}`);
    const keeps = dying(memoryStore(), 1);
    const one = await bank({ kind, turns: [calls(["refund"]), done], does: [refund], keeps });
    await expect(one.start()).rejects.toThrow();
    await leaseOver();
    await one.go(null);
    const { answers } = await one.decide({ type: "reject", message: "It was paid back." });
    expect(answers.map(({ text }) => text)).toEqual(["It was paid back."]);
    expect(times).toBe(1);
    expect(await one.store.listEffects({ scope: SCOPE, status: "settled" })).toHaveLength(1);
  });

  it("gives each of two questions of one turn its own answer", async () => {
    const made: string[] = [];
    const pay = doing("pay", ({ order }: { order: string }) => {
      made.push(order);
      return `paid ${order}`;
    });
    const keeps = dying(memoryStore(), 2);
    const turn = calls(["pay", { order: "A" }], ["pay", { order: "B" }]);
    const one = await bank({ kind, turns: [turn, done], does: [pay], keeps });
    await expect(one.start()).rejects.toThrow();
    await leaseOver();
    let outcome = await one.go(null);
    const decisions = new Map([
      ["A", { type: "reject", message: "A was paid." }],
      ["B", { type: "approve" }],
    ]);
    for (let round = 0; outcome.question !== undefined && round < 4; round += 1) {
      const about = outcome.question.actionRequests[0]?.args["order"];
      const decision = decisions.get(String(about)) ?? { type: "reject" };
      outcome = await one.decide(decision);
    }
    expect(outcome.answers.map(({ text }) => text)).toEqual(["A was paid.", "paid B"]);
    expect(made.toSorted()).toEqual(["A", "B", "B"]);
  });

  it("reuses what settled where another call of the turn pauses", async () => {
    let times = 0;
    const refund = doing("refund", () => `refunded ${(times += 1)}`);
    const ask = doing("ask", () => `said ${String(interrupt("sure?"))}`);
    const turn = calls(["refund"], ["ask"]);
    const one = await bank({
      kind,
      turns: [turn, done],
      does: [refund, ask],
      tools: { ask: "pure" },
    });
    await one.start();
    const { answers } = await one.go(new Command({ resume: "yes" }));
    expect(answers.map(({ text }) => text)).toEqual(["refunded 1", "said yes"]);
    expect(times).toBe(1);
  });

  it("takes two equal calls of one turn for two effects", async () => {
    let times = 0;
    const refund = doing("refund", () => `refunded ${(times += 1)}`);
    const one = await bank({ kind, turns: [calls(["refund"], ["refund"]), done], does: [refund] });
    const { answers } = await one.start();
    expect(answers).toHaveLength(2);
    expect(times).toBe(2);
  });

  it("shares effects with a fork, whose calls come under other ids, unless it is told not to", async () => {
    for (const fork of ["same", "new"] as const) {
      let times = 0;
      const refund = doing("refund", () => `refunded ${(times += 1)}`);
      const turns = [calls(["refund"]), done];
      const one = await bank({ kind, turns, does: [refund], fork });
      await one.start();
      const [first] = await one.checkpoints();
      const again = await one.go(null, { configurable: { checkpoint_id: first } });
      expect(times).toBe(fork === "same" ? 1 : 2);
      const [answer] = again.answers;
      expect(answer?.text).toBe(`refunded ${times}`);
      const asked = again.messages.find((message) => "tool_calls" in message);
      expect(JSON.stringify(asked)).toContain(answer?.tool_call_id);
    }
  });

  it("decides about a changed call of a fork as it is told to", async () => {
    const results = { interrupt: "asked", reuse: "paid 20", run: "paid 20.00" };
    for (const onReplan of ["interrupt", "reuse", "run"] as const) {
      const pay = doing("pay", ({ amount }: { amount: string }) => `paid ${amount}`);
      const turns = [
        replanned(calls(["pay", { amount: "20" }]), calls(["pay", { amount: "20.00" }])),
        done,
      ];
      const one = await bank({ kind, turns, does: [pay], onReplan });
      await one.start();
      const [first] = await one.checkpoints();
      const again = await one.go(null, { configurable: { checkpoint_id: first } });
      const said = again.question === undefined ? again.answers.at(-1)?.text : "asked";
      expect(said).toBe(results[onReplan]);
      if (onReplan !== "interrupt") continue;
      expect(again.question?.actionRequests[0]?.description).toContain("paid 20");
      const { answers } = await one.decide({ type: "reject" });
      expect(answers.at(-1)?.text).toBe("paid 20");
    }
  });

  it("answers a known key that comes with other arguments with a coded conflict", async () => {
    let times = 0;
    const pay = doing("pay", () => `paid ${(times += 1)}`);
    const turns = [
      calls(["pay", { order: "A", amount: 1 }]),
      calls(["pay", { order: "A", amount: 2 }]),
      done,
    ];
    const key = ({ order }: Readonly<Record<string, unknown>>): string => `pay:${String(order)}`;
    const one = await bank({ kind, turns, does: [pay], tools: { pay: { effect: "once", key } } });
    const { answers } = await one.start();
    expect(answers.at(-1)?.additional_kwargs["evenkeel"]).toMatchObject({
      code: "effect-conflict",
    });
    expect(times).toBe(1);
  });

  it("refuses a second worker of the same execution with execution-busy, and lets a newer input in", async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((go) => {
      release = go;
    });
    const slow = doing("slow", async () => {
      await held;
      return "at last";
    });
    const turns = [calls(["slow"]), done, done];
    const keeps = memoryStore();
    const one = await bank({ kind, turns, does: [slow], keeps, leaseMs: 5_000 });
    const failure = (error: unknown): unknown => error;
    const first = one.start().then(() => undefined, failure);
    await leaseOver();
    await expect(one.go(null)).rejects.toMatchObject({ code: "execution-busy" });
    const newer = one.start("Something else.").then(() => undefined, failure);
    await leaseOver();
    release();
    // In createAgent LangChain wraps what leaves a hook.
    const lost = (await first) as { code?: string; cause?: unknown };
    expect(lost.code === undefined ? lost.cause : lost).toMatchObject({ code: "lease-lost" });
    await newer;
    const [effect] = await keeps.listEffects({ scope: SCOPE });
    expect(effect?.status).toBe("claimed");
  });
});

describe("what goes wrong", () => {
  it("fails before the effect where the store does not answer", async () => {
    let times = 0;
    const refund = doing("refund", () => `refunded ${(times += 1)}`);
    const gone = async (): Promise<never> => {
      throw new CoreError({ code: "store-unavailable", message: "gone" });
    };
    const keeps = { ...memoryStore(), claimEffect: gone };
    const one = await bank({ turns: [calls(["refund"]), done], does: [refund], keeps });
    await expect(one.start()).rejects.toMatchObject({ code: "store-unavailable" });
    expect(times).toBe(0);
  });

  it("delivers what was done where the store goes away meanwhile, and keeps the claim", async () => {
    const refund = doing("refund", () => "refunded");
    const store = memoryStore();
    const gone = async (): Promise<never> => {
      throw new CoreError({ code: "store-unavailable", message: "gone" });
    };
    const keeps = { ...store, settleEffect: gone };
    const one = await bank({
      turns: [calls(["refund"]), done],
      does: [refund],
      keeps,
      leaseMs: 5_000,
    });
    const { answers } = await one.start();
    expect(answers[0]?.text).toBe("refunded");
    expect(one.events.find(({ name }) => name === "middleware-warning")?.severity).toBe("high");
    const [effect] = await store.listEffects({ scope: SCOPE });
    expect(effect?.status).toBe("claimed");
  });

  it.each([
    [
      "throws",
      () => {
        throw new RangeError("no key");
      },
    ],
    ["gives nothing", () => undefined as never],
    ["gives an empty text", () => ""],
  ])("refuses a call whose key function %s, before the effect", async (_, key) => {
    let times = 0;
    const refund = doing("refund", () => `refunded ${(times += 1)}`);
    const tools = { refund: { effect: "once" as const, key } };
    const one = await bank({ turns: [calls(["refund"]), done], does: [refund], tools });
    await expect(one.start()).rejects.toMatchObject({ code: "effect-key-invalid" });
    expect(times).toBe(0);
  });

  it("keeps a tool's error recoverable, and asks before the same call is made again", async () => {
    let times = 0;
    const refund = doing("refund", () => {
      times += 1;
      throw new Error("timeout");
    });
    const turns = [calls(["refund"]), calls(["refund"]), done];
    const one = await bank({ turns, does: [refund], onUnknown: "message" });
    const { answers } = await one.start();
    expect(answers[0]?.text).toContain("timeout");
    expect(answers[1]?.additional_kwargs["evenkeel"]).toMatchObject({ code: "effect-unknown" });
    expect(times).toBe(1);
  });

  it("lets a keyed call that failed be made again under the same key", async () => {
    const keys: string[] = [];
    const refund = doing("refund", () => {
      keys.push(idempotencyKey());
      if (keys.length === 1) throw new Error("timeout");
      return "refunded";
    });
    const turns = [calls(["refund"]), calls(["refund"]), done];
    const one = await bank({ turns, does: [refund], tools: { refund: "keyed" } });
    const { answers } = await one.start();
    expect(answers[1]?.text).toBe("refunded");
    expect(new Set(keys).size).toBe(1);
  });

  it("asks who can look it up, and takes what it says", async () => {
    for (const status of ["done", "not-done"] as const) {
      let times = 0;
      const refund = doing("refund", () => `refunded ${(times += 1)}`);
      const asked: string[] = [];
      const reconcile = (key: string): { status: typeof status; result: string } => {
        asked.push(key);
        return { status, result: "it was refunded" };
      };
      const keeps = dying(memoryStore(), 1);
      const tools = { refund: { effect: "once" as const, reconcile } };
      const one = await bank({ turns: [calls(["refund"]), done], does: [refund], keeps, tools });
      await expect(one.start()).rejects.toThrow();
      await leaseOver();
      const { answers } = await one.go(null);
      expect(answers[0]?.text).toBe(status === "done" ? "it was refunded" : "refunded 2");
      expect(asked).toHaveLength(1);
    }
  });

  it("refuses a reconcile function that throws, and runs nothing", async () => {
    let times = 0;
    const refund = doing("refund", () => `refunded ${(times += 1)}`);
    const reconcile = (): never => {
      throw new Error("the service is down");
    };
    const keeps = dying(memoryStore(), 1);
    const tools = { refund: { effect: "once" as const, reconcile } };
    const one = await bank({ turns: [calls(["refund"]), done], does: [refund], keeps, tools });
    await expect(one.start()).rejects.toThrow();
    await leaseOver();
    await expect(one.go(null)).rejects.toMatchObject({ code: "reconcile-failed" });
    expect(times).toBe(1);
  });

  it("records Commands, bytes and artifacts as they are, for the id that asks", async () => {
    const move = doing("move", () => {
      const message = new ToolMessage({ content: "moved", tool_call_id: "old", name: "move" });
      return new Command({ update: { messages: [message], notes: ["moved"] } });
    });
    const turns = [replanned(calls(["move", {}, "old"]), calls(["move", {}, "new"])), done];
    const one = await bank({ turns, does: [move] });
    await one.start();
    const [first] = await one.checkpoints();
    const { answers } = await one.go(null, { configurable: { checkpoint_id: first } });
    expect(answers.map((answer) => answer.tool_call_id)).toEqual(["new"]);
    expect(answers[0]?.text).toBe("moved");
  });

  it("keeps a result of 10 MB whole", async () => {
    const text = "0123456789".repeat(1_000_000);
    const dump = doing("dump", () => text);
    const turns = [calls(["dump"]), done];
    const one = await bank({ turns, does: [dump] });
    await one.start();
    const [first] = await one.checkpoints();
    const { answers } = await one.go(null, { configurable: { checkpoint_id: first } });
    expect(answers[0]?.text === text).toBe(true);
  });

  it("refuses a row that is no record of its own, and runs nothing", async () => {
    let times = 0;
    const refund = doing("refund", () => `refunded ${(times += 1)}`);
    const store = memoryStore();
    const keeps = {
      ...store,
      settleEffect: (claim: Parameters<typeof store.settleEffect>[0]) =>
        store.settleEffect(claim, { status: "settled" as const, result: "of another program" }),
    };
    const turns = [calls(["refund"]), done];
    const one = await bank({ turns, does: [refund], keeps });
    await one.start();
    const [first] = await one.checkpoints();
    const again = one.go(null, { configurable: { checkpoint_id: first } });
    await expect(again).rejects.toMatchObject({ code: "result-unreadable" });
    expect(times).toBe(1);
  });

  it("refuses a call whose checkpoint is never written", async () => {
    let times = 0;
    const refund = doing("refund", () => `refunded ${(times += 1)}`);
    const one = await bank({ turns: [calls(["refund"]), done], does: [refund] });
    const run = one.start("Please.", { durability: "exit" });
    await expect(run).rejects.toMatchObject({ code: "checkpoint-not-durable" });
    expect(times).toBe(0);
  });

  it("runs with durability async, once the checkpoint of the call is there", async () => {
    const refund = doing("refund", () => "refunded");
    const one = await bank({ turns: [calls(["refund"]), done], does: [refund] });
    const { answers } = await one.start("Please.", { durability: "async" });
    expect(answers[0]?.text).toBe("refunded");
  });

  it("reports in observe what would have been reused, and changes nothing", async () => {
    let times = 0;
    const refund = doing("refund", () => `refunded ${(times += 1)}`);
    const turns = [calls(["refund"]), done];
    const one = await bank({ turns, does: [refund], mode: "observe" });
    await one.start();
    const [first] = await one.checkpoints();
    const { answers } = await one.go(null, { configurable: { checkpoint_id: first } });
    expect(answers[0]?.text).toBe("refunded 2");
    expect(one.events.map(({ name }) => name)).toContain("effect-reused");
  });
});
