import { tool } from "@langchain/core/tools";
import { Command, interrupt } from "@langchain/langgraph";
import { describe, expect, test } from "vitest";
import { z } from "zod";

import { failureRetryMiddleware } from "../src/index.ts";
import { QUICK, calling, httpError, lastText, shop, toolOf } from "./support/shop.ts";

const down =
  (status = 503) =>
  () => {
    throw httpError(status);
  };

describe("passing trouble of a model", () => {
  test("is tried again inside the attempt", async () => {
    const subject = shop({ turns: [down(), down(429), { content: "Back." }] });
    expect(lastText(await subject.run())).toBe("Back.");
    expect(subject.told()).toEqual([]);
  });

  test("that lasts ends the call after maxCallTries, and the attempt", async () => {
    const subject = shop({
      turns: (call) => (call < 4 ? down() : { content: "Back." }),
      options: { maxCallTries: 2 },
    });
    expect(lastText(await subject.run())).toBe("Back.");
    expect(subject.told()).toEqual([
      "attempt-failed 1",
      "attempt-started 2",
      "attempt-failed 2",
      "attempt-started 3",
    ]);
  });

  test.each([
    ["a bad request", 400],
    ["wrong credentials", 401],
    ["a spent quota", 402],
    ["a refusal", 403],
  ])("is not %s: one call, no pause", async (_what, status) => {
    const subject = shop({ turns: () => down(status), options: { maxAttempts: 1 } });
    await expect(subject.run()).rejects.toThrow(String(status));
    expect(subject.model.calls.length).toBe(1);
  });

  test("is not tried again once a stream was given tokens of it", async () => {
    let calls = 0;
    const subject = shop({
      turns: () => ({ content: "a long answer in many pieces" }),
      options: { maxAttempts: 1 },
    });
    const stream = subject.model._streamResponseChunks.bind(subject.model);
    subject.model._streamResponseChunks = async function* cut(...given) {
      calls += 1;
      yield* (async function* first() {
        let pieces = 0;
        for await (const chunk of stream(...given)) {
          pieces += 1;
          if (pieces === 3) throw httpError(503);
          yield chunk;
        }
      })();
    };
    const config = { configurable: { thread_id: "t" }, streamMode: "messages" };
    const run = (async () => {
      for await (const _chunk of await subject.agent.stream({ messages: [] }, config)) continue;
    })();
    await expect(run).rejects.toThrow("503");
    expect(calls).toBe(1);
  });

  test("waits as long as the server asks, up to maxInterval", async () => {
    const asked = async (headers: Record<string, string>, maxInterval: number): Promise<number> => {
      const subject = shop({
        turns: [
          () => {
            throw httpError(429, headers);
          },
          { content: "Back." },
        ],
        options: { maxInterval },
      });
      const before = performance.now();
      await subject.run();
      return performance.now() - before;
    };
    expect(await asked({ "Retry-After": "0.3" }, 10_000)).toBeGreaterThanOrEqual(295);
    expect(await asked({ "Retry-After": "3600" }, 50)).toBeLessThan(2_000);
  });

  test("an abort ends the pause", async () => {
    const stop = new AbortController();
    const subject = shop({ turns: () => down(), options: { initialInterval: 60_000 } });
    const run = subject.run(undefined, { signal: stop.signal });
    setTimeout(() => stop.abort(), 100);
    await expect(run).rejects.toThrow();
    expect(subject.model.calls.length).toBe(1);
  });
});

describe("passing trouble of a tool", () => {
  const refund = (error: unknown, times: number) => {
    let calls = 0;
    const subject = toolOf("refund", () => {
      calls += 1;
      if (calls <= times) throw error;
      return "refunded";
    });
    return { subject, calls: () => calls };
  };

  test("is tried again where the call was turned away or never sent", async () => {
    for (const error of [
      httpError(429),
      Object.assign(new Error("connect"), { code: "ECONNREFUSED" }),
      new TypeError("fetch failed", { cause: Object.assign(new Error(""), { code: "ENOTFOUND" }) }),
    ]) {
      const { subject, calls } = refund(error, 1);
      const agent = shop({ turns: [calling("refund"), { content: "Done." }], tools: [subject] });
      await agent.run();
      expect([calls(), agent.told()]).toEqual([2, []]);
    }
  });

  test("is not where its effect is in doubt, unless the tool is named as repeatable", async () => {
    for (const error of [
      httpError(503),
      Object.assign(new Error("reset"), { code: "ECONNRESET" }),
    ]) {
      const doubtful = refund(error, 1);
      const turns = [calling("refund"), { content: "Done." }];
      const options = { maxAttempts: 1 };
      const run = shop({ turns, tools: [doubtful.subject], options }).run();
      await expect(run).rejects.toBe(error);
      expect(doubtful.calls()).toBe(1);
      const safe = refund(error, 1);
      const repeatableTools = ["refund"];
      await shop({ turns, tools: [safe.subject], options: { ...options, repeatableTools } }).run();
      expect(safe.calls()).toBe(2);
    }
  });

  test("an interrupt in a tool passes, and is asked once", async () => {
    let asked = 0;
    const ask = toolOf("ask", () => {
      asked += 1;
      return String(interrupt("?"));
    });
    const subject = shop({
      turns: [calling("ask"), { content: "Done." }],
      tools: [ask],
      options: { repeatableTools: ["ask"] },
    });
    await subject.run();
    expect(asked).toBe(1);
    await subject.run(new Command({ resume: "yes" }));
    expect(asked).toBe(2);
  });
});

describe("the run's one budget", () => {
  test("bounds three nested layers together", async () => {
    let calls = 0;
    const failing = toolOf("look_up", () => {
      calls += 1;
      throw httpError(503);
    });
    const layer = (name: string) =>
      failureRetryMiddleware({ ...QUICK, name, maxCallTries: 10, repeatableTools: ["look_up"] });
    const subject = shop({
      turns: () => calling("look_up"),
      tools: [failing],
      options: { maxAttempts: 10, maxCallTries: 10, repeatableTools: ["look_up"] },
      stack: [layer("second"), layer("third")],
    });
    await expect(subject.run()).rejects.toThrow("503");
    // Ten attempts times three layers of ten tries would be 10,000 calls; the budget holds 20 tokens.
    expect(calls).toBeLessThanOrEqual(21);
    expect(calls).toBeGreaterThan(10);
  });

  test("gets back what a retry that succeeded took", async () => {
    // Two tokens a try, thirty tries: more than the budget holds, were they not given back.
    const turns = Array.from({ length: 30 }, () => [down(), calling("look_up")]).flat();
    const subject = shop({
      turns: [...turns, { content: "Done." }],
      tools: [toolOf("look_up", () => "more")],
    });
    expect(lastText(await subject.run(undefined, { recursionLimit: 100 }))).toBe("Done.");
  });
});

describe("a call that cannot be made", () => {
  const strict = tool(({ count }) => `took ${count}`, {
    name: "take",
    description: "Takes some.",
    schema: z.object({ count: z.number().int() }),
  });

  test("goes back with the complaint and the schema, then the names there are", async () => {
    const subject = shop({
      turns: [
        calling("take", { count: "many" }),
        calling("steal"),
        calling("take", { count: 2 }),
        { content: "Done." },
      ],
      tools: [strict],
      handleToolErrors: true,
    });
    expect(lastText(await subject.run())).toBe("Done.");
    expect(subject.contextOf(1)).toContain('The arguments of "take" do not fit');
    expect(subject.contextOf(1)).toContain('"count":{"type":"integer"');
    expect(subject.contextOf(1)).toContain("or say in words that you give up and why");
    expect(subject.contextOf(2)).toContain('There is no tool "steal". There are: take.');
    expect(subject.contextOf(3)).toBe("");
    expect(subject.told()).toEqual([]);
  });

  test("is a failure of the attempt once it went back too often", async () => {
    const subject = shop({
      turns: (call) => (call < 3 ? calling("take", { count: "many" }) : { content: "I give up." }),
      tools: [strict],
      handleToolErrors: true,
      options: { maxRepairs: 2 },
    });
    expect(lastText(await subject.run())).toBe("I give up.");
    expect(subject.told()).toEqual(["attempt-failed 1", "attempt-started 2"]);
    expect(subject.contextOf(3)).toContain("went back to the model 2 times in attempt 1");
  });

  test("an empty answer to the complaint is asked for again", async () => {
    const subject = shop({
      turns: [
        calling("take", { count: "many" }),
        { content: "" },
        { content: "I give up: no count." },
      ],
      tools: [strict],
      handleToolErrors: true,
    });
    expect(lastText(await subject.run())).toBe("I give up: no count.");
    expect(subject.contextOf(2)).toContain("the answer to that was empty");
  });

  test("and arguments that are no JSON are asked for again", async () => {
    const subject = shop({
      turns: [
        { toolCalls: [{ name: "take", args: "two of them" }] },
        calling("take", { count: 2 }),
        { content: "Done." },
      ],
      tools: [strict],
    });
    expect(lastText(await subject.run())).toBe("Done.");
    expect(subject.contextOf(1)).toContain('The call of "take" could not be read');
  });
});

test("in observe nothing is tried again and no attempt is made", async () => {
  const subject = shop({ turns: () => down(), options: { mode: "observe" } });
  await expect(subject.run()).rejects.toThrow("503");
  expect(subject.model.calls.length).toBe(1);
  expect(subject.told()).toEqual(["execution-failed 1"]);
});
