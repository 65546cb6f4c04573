import { ENVELOPE_KEY } from "@evenkeel/core";
import type { Envelope, EvenkeelEvent } from "@evenkeel/core";
import type { BaseMessage } from "@langchain/core/messages";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { circuitBreakerMiddleware } from "../src/index.ts";
import type { CircuitBreakerMiddlewareOptions } from "../src/index.ts";
import { SHAPES, agentOf, thread } from "./support/agent.ts";
import type { AgentParts } from "./support/agent.ts";
import { ask, dangling, lookUp, seeker } from "./support/seeker.ts";
import type { SeekerOptions } from "./support/seeker.ts";

const NOW = Date.UTC(2026, 0, 1);
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

class HttpError extends Error {
  status: number;
  constructor(status: number) {
    super(`${status} Service Unavailable`);
    this.status = status;
  }
}

/** An agent whose tool does what it is told to, call by call. */
const setUp = (
  options: CircuitBreakerMiddlewareOptions,
  answer: (item: string) => string | Promise<string>,
  parts: Partial<AgentParts> & SeekerOptions = {},
) => {
  const model = parts.model ?? seeker(parts);
  const reports = parts.shape === "createAgent" || parts.shape === "deepagents";
  const { tool, calls } = lookUp(answer, { reports });
  const events: EvenkeelEvent[] = [];
  const middleware = [
    circuitBreakerMiddleware({ window: 4, minimumCalls: 3, scope: () => "all", ...options }),
  ];
  const graph = agentOf({ tools: [tool], middleware, events, ...parts, model });
  return { model: model as ReturnType<typeof seeker>, calls, events, graph };
};

const down = (): never => {
  throw new HttpError(503);
};
const envelopes = (result: Record<string, unknown>): Envelope[] =>
  (result["messages"] as BaseMessage[])
    .map(({ additional_kwargs: kwargs }) => kwargs[ENVELOPE_KEY] as Envelope | undefined)
    .filter((envelope) => envelope !== undefined);

let names = 0;
/** A breaker of its own, as the process keeps them. */
const fresh = (): { name: string } => ({ name: `breaker${(names += 1)}` });

describe.each(SHAPES)("in a %s", (shape) => {
  test("a tool that keeps failing is hidden, and its calls are answered with the wait", async () => {
    const { graph, model, calls, events } = setUp(fresh(), down, {
      shape,
      callsPerTurn: 2,
      turns: 3,
    });
    const result = await graph.invoke(ask(), thread());
    expect(dangling(result)).toEqual([]);
    // Two calls, then two more of which the first opens it.
    expect(calls.length).toBeLessThanOrEqual(4);
    expect(model.calls.at(-1)?.parameters["tools"] ?? []).not.toContainEqual(
      expect.objectContaining({ function: expect.objectContaining({ name: "look_up" }) }),
    );
    const opened = events.filter(({ name }) => name === "breaker-opened");
    expect(opened.map(({ detail }) => detail)).toEqual([
      {
        tool: "look_up",
        failureClass: "infrastructure",
        afterTrial: false,
        retryAfterMs: 30_000,
      },
    ]);
  });
});

describe("an open breaker", () => {
  test("lets exactly one of many calls find out whether the tool works again", async () => {
    let works = false;
    const { graph, calls, events } = setUp(
      fresh(),
      async () => {
        await new Promise((later) => setTimeout(later, 20));
        return works ? "found" : down();
      },
      { callsPerTurn: 5, turns: 1 },
    );
    await graph.invoke(ask(), thread("one"));
    expect(calls).toHaveLength(5);
    vi.setSystemTime(NOW + 30_000);
    works = true;
    const result = await graph.invoke(ask(), thread("two"));
    expect(calls).toHaveLength(6);
    expect(envelopes(result).map(({ code }) => code)).toEqual(
      Array.from({ length: 4 }, () => "breaker-open"),
    );
    expect(events.map(({ name }) => name)).toEqual(["breaker-opened", "breaker-closed"]);
    await graph.invoke(ask(), thread("three"));
    expect(calls).toHaveLength(11);
  });
});
