import { withMiddleware, wrapModel } from "@evenkeel/core";
import type { AnyMiddleware } from "@evenkeel/core";
import { circuitBreakerMiddleware } from "@evenkeel/limits";
import { scriptedModel } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { toolRetryMiddleware } from "langchain";
import { z } from "zod";

import { faultSchedule } from "../../support/fault-schedule.ts";
import type { ScheduledFault } from "../../support/fault-schedule.ts";

/** What a phase of the bad day cost. */
export interface PhaseCost {
  readonly phase: string;
  /** Questions that were asked. */
  readonly asked: number;
  /** Calls the service received. */
  readonly calls: number;
  readonly answered: number;
  /** Seconds spent in calls that failed. */
  readonly lostSeconds: number;
}

const THINK_MS = 1_000;

/**
 * Asks a service once a second on its bad day, each time through an agent of its own run, with two
 * retries a call. Time is virtual: the wall clock of the process is moved by what each call takes.
 */
export async function playBadDay(seed: number, breaks: boolean): Promise<PhaseCost[]> {
  const schedule = faultSchedule(seed);
  const costs = new Map<
    string,
    { asked: number; calls: number; answered: number; lostMs: number }
  >();
  const realNow = Date.now;
  let now = Date.UTC(2026, 0, 1);
  Date.now = () => now;
  try {
    for (const [index, fault] of schedule.entries()) {
      const cost = costs.get(fault.phase) ?? { asked: 0, calls: 0, answered: 0, lostMs: 0 };
      costs.set(fault.phase, cost);
      cost.asked += 1;
      let tries = 0;
      const call = (): string => {
        cost.calls += 1;
        tries += 1;
        now += fault.tookMs;
        if (fault.status === undefined || (tries > 1 && !fault.lasts)) {
          cost.answered += 1;
          return "fine";
        }
        cost.lostMs += fault.tookMs;
        throw serviceError(fault);
      };
      await agent(call, breaks ? [breaker(seed)] : []).invoke(
        { messages: [new HumanMessage("Ask it.")] },
        { configurable: { thread_id: `thread-${index}` } },
      );
      now += THINK_MS;
    }
  } finally {
    Date.now = realNow;
  }
  return [...costs].map(([phase, { lostMs, ...counts }]) => ({
    phase,
    ...counts,
    lostSeconds: Math.round(lostMs / 1_000),
  }));
}

function breaker(seed: number): AnyMiddleware {
  return circuitBreakerMiddleware({ name: `breaker${seed}`, scope: () => "bad day" });
}

function serviceError({ status, retryAfterMs }: ScheduledFault): Error {
  const headers = retryAfterMs === undefined ? {} : { "retry-after-ms": String(retryAfterMs) };
  return Object.assign(new Error(`${status}`), { status, headers });
}

function agent(call: () => string, inner: readonly AnyMiddleware[]) {
  const service = tool(call, { name: "service", description: "Asks", schema: z.object({}) });
  const model = wrapModel(
    scriptedModel([{ toolCalls: [{ name: "service", args: {} }] }, { content: "Asked." }]),
  ).bindTools([service]);
  const retries = toolRetryMiddleware({
    maxRetries: 2,
    initialDelayMs: 0,
    jitter: false,
    onFailure: "continue",
  });
  return withMiddleware(
    new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
      .addNode("tools", new ToolNode([service]))
      .addEdge(START, "agent")
      .addConditionalEdges("agent", toolsCondition)
      .addEdge("tools", "agent"),
    [retries as unknown as AnyMiddleware, ...inner],
  );
}
