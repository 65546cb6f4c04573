import { defineMiddleware } from "@evenkeel/core";
import type { Handler, Middleware, ModelRequest, ModelResult, ToolResult } from "@evenkeel/core";
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { Command } from "@langchain/langgraph";

import type { Breaker } from "./breaker.ts";

const LIMIT = 4;

/** Counts the calls of a run where every run of the process sees them. */
function closureLimitMiddleware(): Middleware {
  let calls = 0;
  return defineMiddleware({
    name: "closureLimitMiddleware",
    options: {},
    async wrapToolCall(request, handler): Promise<ToolResult> {
      calls += 1;
      if (calls <= LIMIT) return handler(request);
      const { id = "", name } = request.toolCall;
      return new ToolMessage({ name, tool_call_id: id, content: "No more calls." });
    },
  });
}

/** Laws 7, 8 and 9. */
export const stateBreakers: readonly Breaker[] = [
  {
    law: 7,
    does: "counts the calls of a run in a closure",
    says: /two threads of one graph saw each other: expected .*rye.*No more calls/,
    options: { create: closureLimitMiddleware },
  },
  {
    law: 8,
    does: "pushes a message into the live list",
    says: /a run on deep-frozen input failed with TypeError.*not extensible/,
    options: {
      create: () =>
        defineMiddleware({
          name: "pushMiddleware",
          options: {},
          wrapModelCall: (request, handler) => {
            request.messages.push(new HumanMessage({ id: "pushed", content: "Be brief." }));
            return handler(request);
          },
        }),
    },
  },
  {
    law: 8,
    does: "edits an old message where it can",
    says: /deep-frozen input changed what the run came to: expected .* and .*apples/,
    options: {
      create: () =>
        defineMiddleware({
          name: "shortenMiddleware",
          options: {},
          wrapModelCall: (request, handler) => {
            for (const message of request.messages) shorten(message);
            return handler(request);
          },
        }),
    },
  },
  {
    law: 8,
    does: "marks the run's metadata in place where it can",
    says: /the request of a run call was mutated: expected .* and .*marked/,
    options: {
      create: () =>
        defineMiddleware({
          name: "markMiddleware",
          options: {},
          wrapRun: (request, handler) => {
            try {
              Object.assign(request.config.metadata ?? {}, { marked: true });
            } catch {
              return handler(request);
            }
            return handler(request);
          },
        }),
    },
  },
  {
    law: 9,
    does: "keeps a Date in its channel",
    says: /channel "_dates" is read back otherwise than it was written, at \$\.d\.\S+/,
    options: {
      create: () =>
        defineMiddleware({
          name: "dateMiddleware",
          options: {},
          state: { _dates: {} },
          wrapToolCall: (request, handler, { state, now }) => {
            state.write("_dates", { [request.toolCall.id ?? ""]: new Date(now()) });
            return handler(request);
          },
        }),
    },
  },
  {
    law: 9,
    does: "writes a channel it did not declare",
    says: /state-not-declared/,
    options: {
      create: () =>
        defineMiddleware({
          name: "undeclaredMiddleware",
          options: {},
          wrapModelCall: (request, handler, { state }) => {
            state.write("_elsewhere", { seen: true });
            return handler(request);
          },
        }),
    },
  },
  {
    law: 9,
    does: "returns a Command with a key nobody declared",
    says: /it returned a Command with undeclared keys: mood/,
    options: {
      create: () => ({
        name: "moodMiddleware",
        wrapModelCall: async (
          request: ModelRequest,
          handler: Handler<ModelRequest, ModelResult>,
        ) => {
          await handler(request);
          return new Command({ update: { mood: "fine" } });
        },
      }),
    },
  },
];

function shorten(message: BaseMessage): void {
  try {
    message.content = message.text.slice(0, 5);
  } catch {
    return;
  }
}
