import { expect, describe, test } from "vitest";

import { loopDetectionMiddleware } from "../src/index.ts";
import type { LoopDetectionMiddlewareOptions, LoopNotice } from "../src/index.ts";
import { ask, deploy, textsOf, thread, toldIn } from "./support/agent.ts";
import type { ScriptedCall, ScriptedReply } from "./support/agent.ts";
import { counted } from "./support/shop.ts";

describe("bad options are refused when the middleware is made", () => {
  test.each<[string, unknown, RegExp]>([
    ["no object", 7, /"options": 7 came; allowed is an object/],
    ["an unknown option", { stearAfter: 3 }, /"stearAfter": 3 came; allowed is one of steerAfter/],
    [
      "one round",
      { steerAfter: 1 },
      /"steerAfter": 1 came; allowed is a whole number of at least 2/,
    ],
    ["half a round", { blockAfter: 4.5 }, /"blockAfter": 4\.5 came/],
    ["true", { stopAfter: true }, /"stopAfter": true came/],
    [
      "rungs out of order",
      { steerAfter: 6, blockAfter: 4 },
      /"blockAfter": 4 came; allowed is at least steerAfter, which is 6/,
    ],
    [
      "rungs out of order over a gap",
      { steerAfter: 6, blockAfter: false, stopAfter: 5 },
      /"stopAfter": 5 came/,
    ],
    ["another ending", { exitBehavior: "end" }, /"final-answer", "interrupt" or "error"/],
    [
      "an unknown pattern",
      { detectors: { loops: false } },
      /"detectors": an object with loops came/,
    ],
    ["a pattern that is a number", { detectors: { cycle: 3 } }, /"detectors"/],
    ["exempt that is no list", { exempt: "think" }, /"exempt": "think" came/],
    ["a patience of nothing", { poll: { patience: 0 } }, /"poll"/],
    ["poll with an unknown key", { poll: { tool: [] } }, /"poll": an object with tool came/],
    [
      "a window without end",
      { window: 1_000 },
      /"window": 1000 came; allowed is a whole number from 1 to 30/,
    ],
    ["an identity that is a number", { identity: { read: 1 } }, /"identity"/],
    [
      "a message that is a text",
      { message: "stop!" },
      /"message": "stop!" came; allowed is a function/,
    ],
    ["an unknown mode", { mode: "watch" }, /"mode": "watch" came/],
    ["an empty name", { name: "" }, /"name"/],
  ])("%s", (_, options, message) => {
    expect(() => loopDetectionMiddleware(options as LoopDetectionMiddlewareOptions)).toThrow(
      expect.objectContaining({
        code: "invalid-options",
        message: expect.stringMatching(message) as string,
      }),
    );
  });

  test("a rung that is not named is never below the ones before it", () => {
    expect(() => loopDetectionMiddleware({ steerAfter: 9 })).not.toThrow();
    expect(() => loopDetectionMiddleware({ steerAfter: false, blockAfter: 12 })).not.toThrow();
  });
});

/** Runs so many equal turns, then ends; gives what the model was told, as counts. */
async function countsOf(
  turns: number,
  options: LoopDetectionMiddlewareOptions,
  reply: (turn: number) => ScriptedReply = () => ({ toolCalls: [{ name: "look_up", args: {} }] }),
  answer: (given: Record<string, unknown>, before: number) => unknown = () => "nothing",
) {
  const look = counted("look_up", answer);
  const agent = deploy({
    options,
    tools: [look.tool],
    turns: ({ messages, parameters }: ScriptedCall) => {
      const turn = messages.filter(({ type }) => type === "ai").length;
      return turn < turns && parameters["tools"] !== undefined ? reply(turn) : { content: "done" };
    },
  });
  const output = await agent.graph.invoke(ask("Look."), { ...thread(), recursionLimit: 500 });
  const told = toldIn(agent);
  return {
    told,
    counts: told.flatMap((text) => (text === undefined ? [] : [Number(/\d+/.exec(text)?.[0])])),
    calls: look.calls(),
    events: agent.events,
    texts: textsOf(output),
  };
}

const argued = (args: (turn: number) => object) => (turn: number) => ({
  toolCalls: [{ name: "look_up", args: args(turn) }],
});

describe("thresholds", () => {
  test("decide when a run is told, blocked and stopped", async () => {
    const ladder = { steerAfter: 2, blockAfter: 3, stopAfter: 6 };
    const { counts, calls } = await countsOf(20, ladder);
    expect(counts).toEqual([2, 3, 4, 5, 6]);
    expect(calls).toBe(3);
  });

  test("false leaves a rung out", async () => {
    const { told, calls } = await countsOf(12, {
      steerAfter: false,
      blockAfter: false,
      stopAfter: false,
    });
    expect(told.filter((text) => text !== undefined)).toEqual([]);
    expect(calls).toBe(12);
  });
});

describe("what counts as the same call", () => {
  const reason = argued((turn) => ({ path: "/a", why: `because ${turn}` }));

  test("all arguments, where nothing else is said", async () => {
    // New calls with one and the same short answer are batch work.
    expect((await countsOf(4, {}, reason, () => "ok")).counts).toEqual([]);
  });

  test.each<[string, LoopDetectionMiddlewareOptions]>([
    ["the arguments that `identity` names", { identity: { look_up: ["path"] } }],
    [
      "what its function gives",
      { identity: { look_up: (given) => (given as { path: string }).path } },
    ],
  ])("%s", async (_, options) => {
    expect((await countsOf(4, options, reason)).counts).toEqual([3, 4]);
  });

  test("what the tool itself gives as its `loopKey`, where `identity` does not name it", async () => {
    const look = counted("look_up", () => "nothing");
    Object.assign(look.tool, { loopKey: ({ path }: { path: string }) => path });
    const turns = ({ messages }: ScriptedCall): ScriptedReply => {
      const turn = messages.filter(({ type }) => type === "ai").length;
      return turn < 6 ? reason(turn) : { content: "done" };
    };
    const agent = deploy({ tools: [look.tool], turns });
    await agent.graph.invoke(ask("Look."), thread());
    expect(toldIn(agent).filter((text) => text !== undefined)).toHaveLength(4);
    // Blocked by the same key, although no argument list was sent twice.
    expect(look.calls()).toBe(5);
    const beaten = deploy({
      tools: [look.tool],
      turns,
      options: { identity: { look_up: ["why"] } },
    });
    await beaten.graph.invoke(ask("Look."), thread("other"));
    expect(toldIn(beaten).filter((text) => text !== undefined)).toEqual([]);
  });
});

describe("what counts as the same result", () => {
  const clock = (_: unknown, before: number): string => `no mail, looked at minute ${before}`;

  test("one that differs is progress", async () => {
    expect((await countsOf(6, {}, undefined, clock)).counts).toEqual([]);
  });

  test("`normalizeResult` masks what varies idly", async () => {
    const normalizeResult = (text: string): string => text.replace(/\d+/, "");
    expect((await countsOf(4, { normalizeResult }, undefined, clock)).counts).toEqual([3, 4]);
  });

  test("`isProgress` has the last word, both ways", async () => {
    const never = await countsOf(4, { isProgress: () => false }, undefined, clock);
    expect(never.counts).toEqual([3, 4]);
    const always = await countsOf(9, { isProgress: () => true });
    expect(always.counts).toEqual([]);
    const asked: unknown[] = [];
    await countsOf(1, { isProgress: (call) => void asked.push(call) });
    expect(asked).toEqual([{ tool: "look_up", arguments: {}, result: "nothing", failed: false }]);
  });
});

describe("what is left alone", () => {
  test("exempt tools", async () => {
    expect((await countsOf(12, { exempt: ["look_up"] })).counts).toEqual([]);
  });

  test("polled tools, for `patience` times as long", async () => {
    const poll = { tools: ["look_up"], patience: 3 };
    expect((await countsOf(10, { poll })).counts).toEqual([9, 10]);
  });

  test("polls are never answered with their earlier result", async () => {
    const { calls } = await countsOf(20, { poll: { tools: ["look_up"], patience: 3 } });
    expect(calls).toBe(20);
  });

  test("patterns that are switched off", async () => {
    const detectors = { "same-call-same-result": false, cycle: false, "no-news": false } as const;
    expect((await countsOf(12, { detectors })).counts).toEqual([]);
  });

  test("equal calls further apart than the window", async () => {
    const spread = argued((turn) => (turn % 4 === 0 ? {} : { page: turn }));
    const answer = ({ page = "" }: { page?: unknown }): string => `page ${String(page)}`;
    expect((await countsOf(24, { window: 3 }, spread, answer)).counts).toEqual([]);
    expect((await countsOf(24, { window: 4 }, spread, answer)).counts.length).toBeGreaterThan(0);
  });
});

describe("words of your own", () => {
  test("replace what the model is told, at every rung", async () => {
    const notices: LoopNotice[] = [];
    const message = (notice: LoopNotice): string => {
      notices.push(notice);
      return `${notice.action}: ${notice.tools.join()} ${notice.count}`;
    };
    const { told, texts } = await countsOf(9, {
      steerAfter: 2,
      blockAfter: 3,
      stopAfter: 4,
      message,
    });
    expect(told.filter((text) => text !== undefined)).toEqual([
      "steer: look_up 2",
      "steer: look_up 3",
      "stop: look_up 4",
    ]);
    expect(texts.some((text) => text.startsWith("block: look_up 3"))).toBe(true);
    expect(notices[0]).toMatchObject({ kind: "same-call-same-result" });
    expect(notices[0]?.text).toMatch(/^You called "look_up" 2 times/);
  });

  test.each([
    ["nothing", () => ""],
    ["no text", () => undefined as unknown as string],
  ])("that are %s are replaced by ours", async (_, message) => {
    expect((await countsOf(3, { message })).told.at(-1)).toMatch(/^You called/);
  });
});

test("a function among the options that throws costs one warning, never the run", async () => {
  const fail = (): never => {
    throw new Error("mine");
  };
  const { counts, texts, events } = await countsOf(4, {
    normalizeResult: fail,
    isProgress: fail,
    message: fail,
    identity: { look_up: fail },
  });
  expect(texts.at(-1)).toBe("done");
  expect(counts).toEqual([3, 4]);
  const warnings = events.filter(({ name }) => name === "middleware-warning");
  expect(new Set(warnings.map(({ detail }) => detail["option"]))).toEqual(
    new Set(["isProgress", "loopKey", "message", "normalizeResult"]),
  );
  expect(warnings).toHaveLength(4);
});

test("two under names of their own count each for itself", async () => {
  const look = counted("look_up", () => "nothing");
  const agent = deploy({
    tools: [look.tool],
    beside: [loopDetectionMiddleware({ name: "strict", steerAfter: 2 })],
    turns: ({ messages }) =>
      messages.filter(({ type }) => type === "ai").length < 3
        ? { toolCalls: [{ name: "look_up", args: {} }] }
        : { content: "done" },
  });
  await agent.graph.invoke(ask("Look."), thread());
  const told = agent.model.calls.map(
    ({ messages }) => messages.filter(({ text }) => text.startsWith("You called")).length,
  );
  expect(told).toEqual([0, 0, 1, 2]);
});
