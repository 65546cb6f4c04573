import { randomUUID } from "node:crypto";

import { defineMiddleware } from "@evenkeel/core";
import type { AIMessage } from "@langchain/core/messages";

import type { Breaker } from "./breaker.ts";

/** Law 10. */
export const resumeBreakers: readonly Breaker[] = [
  {
    law: 10,
    does: "writes an audit row under a fresh key before every call",
    says: /the number of items in the store differs/,
    options: {
      create: () =>
        defineMiddleware({
          name: "auditMiddleware",
          options: {},
          async wrapToolCall(request, handler) {
            const { store } = request.runtime;
            await store?.put(["audit"], randomUUID(), { tool: request.toolCall.name });
            return handler(request);
          },
        }),
    },
  },
  {
    law: 10,
    does: "knows what happened before the pause only in this process",
    says: /what it came to differs/,
    options: {
      create: () =>
        defineMiddleware({
          name: "forgetfulMiddleware",
          options: {},
          async wrapModelCall(request, handler, { memory }) {
            const calls = Number(memory.get("calls") ?? 0) + 1;
            memory.set("calls", calls);
            const message = (await handler(request)) as AIMessage;
            message.additional_kwargs["call"] = calls;
            return message;
          },
        }),
    },
  },
  {
    law: 10,
    does: "runs a finished thread anew where LangGraph would not",
    says: /replaying a finished thread repeated 1 calls/,
    options: {
      create: () =>
        defineMiddleware({
          name: "rerunMiddleware",
          options: {},
          wrapRun: (request, handler) =>
            handler(request.input === null ? { ...request, input: { messages: [] } } : request),
        }),
    },
  },
];
