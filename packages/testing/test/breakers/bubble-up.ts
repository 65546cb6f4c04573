import { defineMiddleware } from "@evenkeel/core";
import { ToolMessage } from "@langchain/core/messages";
import { isGraphInterrupt } from "@langchain/langgraph";

import type { Breaker } from "./breaker.ts";

/** Law 1. */
export const bubbleUpBreakers: readonly Breaker[] = [
  {
    law: 1,
    does: "answers every error, an interrupt included",
    says: /an interrupt thrown inside a tool call did not pass: a result came back/,
    options: {
      create: () =>
        defineMiddleware({
          name: "catchAllMiddleware",
          options: {},
          async wrapToolCall(request, handler) {
            try {
              return await handler(request);
            } catch (error) {
              const { id = "", name } = request.toolCall;
              return new ToolMessage({ name, tool_call_id: id, content: String(error) });
            }
          },
        }),
    },
  },
  {
    law: 1,
    does: "wraps whatever is no interrupt, a ParentCommand included",
    says: /a ParentCommand thrown inside a model call did not pass: Error: the model failed/,
    options: {
      create: () =>
        defineMiddleware({
          name: "wrapErrorsMiddleware",
          options: {},
          async wrapModelCall(request, handler) {
            try {
              return await handler(request);
            } catch (error) {
              if (isGraphInterrupt(error)) throw error;
              throw new Error("the model failed", { cause: error });
            }
          },
        }),
    },
  },
  {
    law: 1,
    does: "tries an interrupted call again",
    says: /the handler was called 2 times, once is allowed/,
    options: {
      create: () =>
        defineMiddleware({
          name: "retryAllMiddleware",
          options: {},
          retries: true,
          wrapToolCall: (request, handler) => handler(request).catch(() => handler(request)),
        }),
      capabilities: { retries: true, attempts: 2 },
    },
  },
];
