import { defineMiddleware, toolAnswer } from "@evenkeel/core";
import { MemorySaver } from "@langchain/langgraph";
import { describe, expect, test } from "vitest";

import { calling, lastText, shop, toolOf } from "./support/shop.ts";

const broken = (times: number) =>
  toolOf("look_up", (_args, calls) => {
    if (calls <= times) throw new Error(`shelf ${calls} is empty`);
    return "found it";
  });

describe("restart", () => {
  test('"resume" of an attempt that came to its end asks the model again', async () => {
    const subject = shop({
      turns: [{ content: "maybe" }, { content: "yes" }],
      options: { restart: "resume", verify: ({ text }) => text === "yes" },
    });
    expect(lastText(await subject.run())).toBe("yes");
  });

  const paying = (options: { effectTools?: string[] }) =>
    shop({
      turns: [calling("pay", { euros: 5 }), calling("look_up"), { content: "Paid, not found." }],
      tools: [toolOf("pay", () => "paid 5"), broken(9)],
      options: { maxAttempts: 2, ...options },
    });

  test("goes back to the start where nothing stands", async () => {
    const result = await paying({}).run();
    expect((result["messages"] as unknown[]).length).toBe(2);
  });

  test("goes back to the last decision where an effect without a key stands, and says that it does", async () => {
    const subject = paying({ effectTools: ["pay"] });
    const result = await subject.run();
    expect((result["messages"] as unknown[]).length).toBe(4);
    expect(subject.contextOf(2)).toContain("Done already, and not undone:");
    expect(subject.contextOf(2)).toContain('- pay {"euros":5} → answered: paid 5');
  });
});

describe("what stands", () => {
  const boom = toolOf("boom", async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    throw new Error("boom");
  });

  test("is told to every attempt after it, and none of them begins at the start again", async () => {
    const subject = shop({
      turns: [
        { toolCalls: [calling("pay", { euros: 5 }).toolCalls, calling("boom").toolCalls].flat() },
        () => {
          throw new Error("the model is out of sorts");
        },
        { content: "Paid." },
      ],
      tools: [toolOf("pay", () => "paid 5"), boom],
      options: { effectTools: ["pay"] },
    });
    expect(lastText(await subject.run())).toBe("Paid.");
    expect(subject.contextOf(2)).toContain("out of sorts");
    expect(subject.contextOf(2)).toContain('- pay {"euros":5} → answered: paid 5');
    const begun = subject.events.filter(({ name }) => name === "attempt-started");
    expect(begun.map(({ detail }) => detail["restart"])).toEqual([
      "last-decision",
      "last-decision",
    ]);
  });

  test("is known to another process, with what failed before it", async () => {
    const checkpointer = new MemorySaver();
    const pay = { toolCalls: [calling("pay").toolCalls, calling("boom").toolCalls].flat() };
    const parts = { checkpointer, tools: [toolOf("pay", () => "paid 5"), boom] };
    const first = shop({
      ...parts,
      turns: [pay, () => new Promise(() => undefined)],
      options: { effectTools: ["pay"], restart: "start" },
    });
    // A process that is gone never settles.
    void first.run().catch(() => undefined);
    await expect.poll(() => first.model.calls.length).toBe(2);
    const second = shop({
      ...parts,
      turns: [
        () => {
          throw new Error("the model is out of sorts");
        },
        { content: "Paid." },
      ],
      options: { effectTools: ["pay"], restart: "start" },
    });
    expect(lastText(await second.run(null))).toBe("Paid.");
    expect(second.told()).toEqual(["attempt-failed 2", "attempt-started 3"]);
    expect(second.contextOf(1)).toContain("- attempt 1: unknown, 2 calls, last boom {}: boom");
    expect(second.contextOf(1)).toContain("- pay {} → answered: paid 5");
  });

  test("with a business key is told too, once, however often it was planned anew", async () => {
    const ledger = defineMiddleware({
      name: "ledger",
      options: {},
      async wrapToolCall(request, handler) {
        if (request.toolCall.name !== "pay") return handler(request);
        const envelope = {
          v: 1 as const,
          code: "effect-done",
          message: "paid 5",
          retryable: false,
          safeToReplay: true,
          by: "ledger",
          details: { businessKey: true },
        };
        return toolAnswer({ toolCall: request.toolCall, envelope, status: "success" });
      },
    });
    const subject = shop({
      turns: [calling("pay"), calling("boom"), calling("pay"), calling("boom"), { content: "Ok." }],
      tools: [toolOf("pay", () => "paid 5"), boom],
      stack: [ledger],
    });
    await subject.run();
    const begun = subject.events.filter(({ name }) => name === "attempt-started");
    expect(begun.map(({ detail }) => detail["restart"])).toEqual(["start", "start"]);
    expect(subject.contextOf(4).match(/^- pay/gm)).toHaveLength(1);
  });
});

test("a loop of the same calls is told once, with how often they were made", async () => {
  const subject = shop({
    turns: (call) => (call < 6 ? calling("look_up", { at: call % 2 }) : { content: "Enough." }),
    tools: [toolOf("look_up", () => "nothing")],
  });
  await subject.run(undefined, { recursionLimit: 12 });
  expect(subject.contextOf(6)).toContain('1. look_up {"at":0} → answered: nothing (3 times)');
  expect(subject.contextOf(6)).toContain('2. look_up {"at":1} → answered: nothing (3 times)');
  expect(subject.contextOf(6)).not.toContain("3. look_up");
});
