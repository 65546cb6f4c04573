import { isCommand } from "@langchain/langgraph";

import { defineMiddleware } from "../../src/index.ts";
import type { EvenkeelEvent, Middleware } from "../../src/index.ts";

/** What a middleware that changes nothing saw of a run. */
export interface Spy {
  readonly middleware: Middleware;
  /** Call sites, in order. */
  readonly models: string[];
  /** `name:id` of tool calls, in order. */
  readonly tools: string[];
  /** Execution ids of runs, in order. */
  readonly runs: string[];
  readonly outcomes: string[];
  readonly events: EvenkeelEvent[];
  /** Entries of `_spy` as the last hook of a call read them. */
  state: Readonly<Record<string, unknown>>;
}

/** A middleware on all three seams that keeps private state and lets everything pass as it came. */
export function spyMiddleware(name = "spy"): Spy {
  const spy: Spy = {
    models: [],
    tools: [],
    runs: [],
    outcomes: [],
    events: [],
    state: {},
    middleware: defineMiddleware({
      name,
      options: {},
      state: { _spy: {}, _spyThread: { reset: "never" } },
      async wrapRun(request, handler, { state }) {
        spy.runs.push(request.execution.id);
        state.write("_spy", { run: request.execution.attempt });
        const outcome = await handler(request);
        spy.outcomes.push(outcome.status);
        return outcome;
      },
      async wrapModelCall(request, handler, { callSite, state, ...context }) {
        spy.models.push(callSite ?? "nowhere");
        const result = await handler(request);
        state.write("_spy", { [`model ${spy.models.length}`]: callSite });
        state.write("_spyThread", { [`at ${spy.models.length}`]: context.now() });
        spy.state = state.read("_spy");
        return result;
      },
      async wrapToolCall(request, handler, { state }) {
        const { name: tool, id } = request.toolCall;
        spy.tools.push(`${tool}:${id}`);
        state.write("_spy", { [`tool ${id}`]: tool });
        const result = await handler(request);
        state.write("_spy", { [`answered ${id}`]: isCommand(result) ? "command" : "message" });
        spy.state = state.read("_spy");
        return result;
      },
    }),
  };
  return spy;
}
