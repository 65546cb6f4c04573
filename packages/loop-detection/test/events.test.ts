import { describe, expect, test } from "vitest";

import { ask, deploy, thread } from "./support/agent.ts";
import type { ScriptedAgent, ScriptedCall, ScriptedReply } from "./support/agent.ts";
import { counted } from "./support/shop.ts";

/** Makes calls by a list of arguments, then ends. */
async function run(
  calls: readonly object[],
  answer: (given: Record<string, unknown>) => string = (given) => `found ${JSON.stringify(given)}`,
) {
  const agent = deploy({
    tools: [counted("look_up", answer).tool],
    turns: ({ messages, parameters }: ScriptedCall): ScriptedReply => {
      const step = messages.filter(({ type }) => type === "ai").length;
      const args = calls[step];
      return args === undefined || parameters["tools"] === undefined
        ? { content: "done" }
        : { toolCalls: [{ name: "look_up", args, id: `call-${step}` }] };
    },
  });
  await agent.graph.invoke(ask("Look."), { ...thread(), recursionLimit: 200 });
  return agent;
}

const loopsOf = ({ events }: ScriptedAgent) =>
  events.filter(({ name }) => name === "loop-detected");

test("a run that repeats nothing is quiet", async () => {
  const agent = await run(Array.from({ length: 9 }, (_, page) => ({ page })));
  expect(loopsOf(agent)).toEqual([]);
});

test("each turn that repeats is told with what is done about it, and each blocked call", async () => {
  const agent = await run(Array.from({ length: 12 }, () => ({ order: 7 })));
  const told = loopsOf(agent).map(({ severity, callId, failure, detail }) => {
    const { action, answered, kind, count } = detail;
    return [severity, callId, failure, answered === true ? "answered" : action, kind, count];
  });
  const kind = "same-call-same-result";
  expect(told).toEqual([
    ["info", "call-1", undefined, "none", "repeat", 2],
    ["low", "call-2", "planning", "steer", kind, 3],
    ["low", "call-3", "planning", "steer", kind, 4],
    ["medium", "call-4", "planning", "block", kind, 5],
    ["medium", "call-5", "planning", "answered", kind, 5],
    ["medium", "call-5", "planning", "block", kind, 6],
    ["medium", "call-6", "planning", "answered", kind, 6],
    ["medium", "call-6", "planning", "block", kind, 7],
    ["medium", "call-7", "planning", "answered", kind, 7],
    ["high", "call-7", "planning", "stop", kind, 8],
  ]);
});

test("what is told names no argument and no answer", async () => {
  const agent = await run(
    Array.from({ length: 12 }, () => ({ order: "ORDER-4711" })),
    () => "SECRET-RESULT",
  );
  expect(JSON.stringify(loopsOf(agent))).not.toMatch(/ORDER-4711|SECRET-RESULT/);
});

describe("a call made for the third time with the same result", () => {
  const spread = (between: number): object[] =>
    Array.from({ length: between * 2 + 3 }, (_, step) =>
      step % (between + 1) === 0 ? { order: 7 } : { page: step },
    );

  test("is noticed however far apart, and nothing is done about it outside the window", async () => {
    const [noticed, ...others] = loopsOf(await run(spread(25)));
    expect(others).toEqual([]);
    expect(noticed).toMatchObject({
      severity: "info",
      callId: "call-52",
      detail: { action: "none", kind: "same-call-same-result", count: 3, rounds: 1, step: 52 },
    });
  });

  test("is acted on inside it", async () => {
    const [steered] = loopsOf(await run(spread(4)));
    expect(steered?.detail).toMatchObject({ action: "steer", count: 3, rounds: 3, step: 10 });
  });
});
