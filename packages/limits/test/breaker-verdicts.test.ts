import type { EvenkeelEvent } from "@evenkeel/core";
import { classifyFailure } from "@evenkeel/core";
import { scriptedModel } from "@evenkeel/testing";
import { Command, MemorySaver, interrupt } from "@langchain/langgraph";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { circuitBreakerMiddleware } from "../src/index.ts";
import type { CircuitBreakerMiddlewareOptions } from "../src/index.ts";
import { agentOf, codeOf, thread } from "./support/agent.ts";
import { ask, lookUp, seeker } from "./support/seeker.ts";

const NOW = Date.UTC(2026, 0, 1);
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

let scopes = 0;
const failure = (status: number, message = String(status)): Error =>
  Object.assign(new Error(message), { status });

/** Calls one tool so often, each time on a thread of its own. */
const setUp = (
  answer: (item: string) => string | Promise<string>,
  options: CircuitBreakerMiddlewareOptions = {},
) => {
  const events: EvenkeelEvent[] = [];
  const { tool, calls } = lookUp(answer);
  const scope = `scope-${(scopes += 1)}`;
  const breaker = circuitBreakerMiddleware({
    window: 4,
    minimumCalls: 2,
    scope: () => scope,
    ...options,
  });
  let threads = 0;
  const graph = agentOf({
    model: seeker({ turns: 1 }),
    tools: [tool],
    events,
    middleware: [breaker],
  });
  const call = async (times = 1, config: object = {}): Promise<void> => {
    for (let time = 0; time < times; time += 1) {
      const id = `${scope}-${(threads += 1)}`;
      await graph.invoke(ask(), thread(id, { ...config })).catch(() => undefined);
    }
  };
  const told = (): string[] => events.map(({ name }) => name);
  return { call, calls, events, told };
};

describe("what opens a breaker", () => {
  test.each<[string, Error]>([
    ["a server that is down", failure(503)],
    ["a connection that is refused", Object.assign(new Error("no"), { code: "ECONNREFUSED" })],
    ["credentials that are not accepted any more", failure(401)],
    ["trouble nobody knows", new Error("it broke")],
    [
      "a spent quota, which no pause cures",
      Object.assign(failure(429), { code: "insufficient_quota" }),
    ],
  ])("%s", async (_title, error) => {
    const { call, calls, told } = setUp(() => {
      throw error;
    });
    await call(5);
    expect(calls).toHaveLength(2);
    expect(told()).toEqual(["breaker-opened"]);
  });
});

describe("what opens none", () => {
  test.each<[string, () => string]>([
    ["throttling", () => raise(failure(429))],
    ["a call that was cancelled", () => raise(new DOMException("Aborted", "AbortError"))],
    ["arguments that are not accepted", () => raise(failure(422))],
    ["what is not allowed", () => raise(failure(403))],
    ["a pause", () => String(interrupt("Shall I?"))],
  ])("%s", async (_title, answer) => {
    const { call, calls, told } = setUp(answer);
    await call(6);
    expect(calls).toHaveLength(6);
    expect(told()).toEqual([]);
  });

  test("failures among enough successes", async () => {
    let at = 0;
    const { call, calls } = setUp(() => ((at += 1) % 4 === 0 ? raise(failure(503)) : "found"));
    await call(16);
    expect(calls).toHaveLength(16);
  });

  test("failures of several classes, each of them too few", async () => {
    const errors = [failure(503), failure(401), new Error("it broke")];
    let at = 0;
    const { call, calls, told } = setUp(() => raise(errors[at++ % errors.length] ?? failure(500)), {
      minimumCalls: 3,
    });
    await call(3);
    expect(told()).toEqual([]);
    await call(6);
    // Each class has its own window: the third of each opens it, and one open one is enough.
    expect(calls).toHaveLength(7);
    expect(told()).toEqual(["breaker-opened"]);
  });

  test("classes that are not counted, and tools and models that are not guarded", async () => {
    for (const options of [
      { failureClasses: ["policy"] as const },
      { tools: false as const },
      { tools: ["another"] },
    ]) {
      const { call, calls } = setUp(() => raise(failure(503)), options);
      await call(4);
      expect(calls).toHaveLength(4);
    }
  });

  test("another tenant's failures", async () => {
    const { tool, calls } = lookUp(() => raise(failure(503)));
    const model = scriptedModel(({ messages }) =>
      messages.at(-1)?.type === "human"
        ? { toolCalls: [{ name: "look_up", args: { item: "a" } }] }
        : { content: "done" },
    );
    const graph = agentOf({
      model,
      tools: [tool],
      middleware: [circuitBreakerMiddleware({ window: 2, minimumCalls: 2 })],
    });
    const user = (identity: string, id: string): Record<string, unknown> =>
      thread(id, { configurable: { langgraph_auth_user: { identity } } });
    for (let time = 0; time < 3; time += 1) {
      await graph.invoke(ask(), user("mine", "shared")).catch(() => undefined);
    }
    const before = calls.length;
    await graph.invoke(ask(), user("theirs", "shared")).catch(() => undefined);
    expect([before, calls.length]).toEqual([2, 3]);
  });
});

function raise(error: Error): never {
  throw error;
}

describe("a trial call", () => {
  test.each<[string, () => string]>([
    ["was cancelled", () => raise(new DOMException("Aborted", "AbortError"))],
    ["was throttled", () => raise(failure(429))],
    ["paused", () => String(interrupt("Shall I?"))],
  ])("that %s proves nothing: the next one tries again", async (_title, nothing) => {
    let answer: () => string = () => raise(failure(503));
    const { call, calls, told } = setUp(() => answer());
    await call(2);
    vi.setSystemTime(NOW + 30_000);
    answer = nothing;
    await call(2);
    expect([calls.length, told()]).toEqual([4, ["breaker-opened"]]);
    answer = () => "found";
    await call(3);
    expect([calls.length, told()]).toEqual([7, ["breaker-opened", "breaker-closed"]]);
  });

  test("that never comes back is given again after a minute", async () => {
    let answer: () => string | Promise<string> = () => raise(failure(503));
    const { call, calls } = setUp(() => answer());
    await call(2);
    vi.setSystemTime(NOW + 30_000);
    answer = () => new Promise<string>(() => undefined);
    const hanging = call();
    await vi.waitFor(() => expect(calls).toHaveLength(3));
    await call();
    expect(calls).toHaveLength(3);
    vi.setSystemTime(NOW + 91_000);
    answer = () => "found";
    await call(2);
    expect(calls).toHaveLength(5);
    void hanging;
  });

  test("comes no later for a clock that is set back", async () => {
    let answer: () => string = () => raise(failure(503));
    const { call, calls } = setUp(() => answer());
    await call(2);
    answer = () => "found";
    vi.setSystemTime(NOW - 86_400_000);
    await call();
    expect(calls).toHaveLength(2);
    vi.setSystemTime(NOW - 86_400_000 + 30_000);
    await call();
    expect(calls).toHaveLength(3);
  });
});

describe("a model that keeps failing", () => {
  test("is left alone, with the wait in the error's details and the class a retry looks at", async () => {
    const model = scriptedModel(() => ({ error: failure(503) }));
    const graph = agentOf({
      model,
      tools: [lookUp().tool],
      middleware: [circuitBreakerMiddleware({ window: 2, minimumCalls: 2, scope: () => "models" })],
    });
    for (const id of ["one", "two"]) await graph.invoke(ask(), thread(id)).catch(() => undefined);
    const error: unknown = await graph
      .invoke(ask(), thread("three"))
      .catch((thrown: unknown) => thrown);
    expect(model.calls).toHaveLength(2);
    expect(error).toMatchObject({
      code: "breaker-open",
      details: { model: "scripted", retryAfterMs: 30_000 },
    });
    expect(classifyFailure(error)).toMatchObject({
      failureClass: "infrastructure",
      recoverable: true,
    });
    vi.setSystemTime(NOW + 30_000);
    expect(
      await codeOf(graph.invoke(ask(), thread("four")).catch(() => undefined)),
    ).toBeUndefined();
    expect(model.calls).toHaveLength(3);
  });
});

test("observe decides and reports, and every call is made", async () => {
  const { call, calls, told } = setUp(() => raise(failure(503)), { mode: "observe" });
  await call(4);
  expect(calls).toHaveLength(4);
  expect(told()).toEqual(expect.arrayContaining(["breaker-opened", "would-have-acted"]));
});

test("a pause and its resume pass through", async () => {
  const saver = new MemorySaver();
  const { tool } = lookUp(() => `approved: ${String(interrupt("Shall I?"))}`);
  const graph = agentOf({
    model: seeker({ turns: 1 }),
    tools: [tool],
    checkpointer: saver,
    middleware: [circuitBreakerMiddleware({ window: 1, minimumCalls: 1 })],
  });
  const paused = await graph.invoke(ask(), thread("pausing"));
  expect(paused["__interrupt__"]).toHaveLength(1);
  const done = await graph.invoke(new Command({ resume: "yes" }), thread("pausing"));
  expect(JSON.stringify(done)).toContain("approved: yes");
});
