import { defineMiddleware } from "@evenkeel/core";
import type { Middleware, MiddlewareDefinition } from "@evenkeel/core";
import { ToolMessage } from "@langchain/core/messages";
import { Command } from "@langchain/langgraph";

import type { Breaker } from "./breaker.ts";

type ToolHook = NonNullable<MiddlewareDefinition<Record<string, unknown>>["wrapToolCall"]>;

/** Counts tool calls in a channel whose name any other middleware may have, too. */
function counter(name: string, hook: (count: number) => ToolHook): Middleware {
  return defineMiddleware({
    name,
    options: {},
    state: { _calls: {} },
    wrapToolCall: (request, handler, context) => {
      const key = `${name}:${request.toolCall.id}`;
      context.state.write("_calls", { [key]: 1 });
      return hook(Object.keys(context.state.read("_calls")).length)(request, handler, context);
    },
  });
}

const counting = (): Middleware =>
  counter("countMiddleware", () => (request, next) => next(request));

/** Laws 11, 12 and 13. */
export const companyBreakers: readonly Breaker[] = [
  {
    law: 11,
    does: "takes the entries of another middleware's channel for its own",
    says: /side of countMiddleware it changed the run/,
    options: {
      create: () =>
        counter("limitMiddleware", (count) => async (request, next) => {
          if (count <= 4) return next(request);
          const { id = "", name } = request.toolCall;
          return new ToolMessage({ name, tool_call_id: id, content: "No more calls." });
        }),
      others: [counting],
    },
  },
  {
    law: 12,
    does: "is named otherwise than its factory",
    says: /named "countMiddleware" and its factory "counterMiddleware"/,
    options: { create: counting, name: "counterMiddleware" },
  },
  {
    law: 12,
    does: "is named as another package is",
    says: /another package is named "countMiddleware" as well/,
    options: { create: () => counting(), others: [counting] },
  },
  {
    law: 12,
    does: "is named after a random number",
    says: /two instances are named differently|is not `<concern>Middleware`/,
    options: { create: namedByChance() },
  },
  {
    law: 13,
    does: "blocks parallel calls and leaves them unanswered",
    says: /tool call "call_bread" has 0 answers/,
    options: {
      create: () =>
        defineMiddleware({
          name: "oneAtATimeMiddleware",
          options: {},
          async wrapToolCall(request, handler) {
            if (request.toolCall.id !== "call_bread") return handler(request);
            return new Command({ update: { notes: ["one at a time"] } });
          },
        }),
    },
  },
];

function namedByChance(): () => Middleware {
  let instances = 0;
  return () => {
    instances += 1;
    return defineMiddleware({ name: `numbered${instances}Middleware`, options: {} });
  };
}
