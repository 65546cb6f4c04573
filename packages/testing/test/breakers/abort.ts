import { defineMiddleware } from "@evenkeel/core";
import { isGraphBubbleUp } from "@langchain/langgraph";

import type { Breaker } from "./breaker.ts";

/** Law 6. */
export const abortBreakers: readonly Breaker[] = [
  {
    law: 6,
    does: "sleeps before it tries again and hears no signal",
    says: /aborted after a model call failed, it left 1 timers alive/,
    options: {
      create: () =>
        defineMiddleware({
          name: "deafSleepMiddleware",
          options: {},
          retries: true,
          async wrapModelCall(request, handler) {
            try {
              return await handler(request);
            } catch (error) {
              if (isGraphBubbleUp(error) || request.runtime.signal?.aborted) throw error;
              await new Promise((wake) => setTimeout(wake, 1_000).unref());
              return handler(request);
            }
          },
        }),
      capabilities: { retries: true, attempts: 2 },
    },
  },
  {
    law: 6,
    does: "tries an aborted call again",
    says: /aborted during a tool call, it began 1 more calls/,
    options: {
      create: () =>
        defineMiddleware({
          name: "abortRetryMiddleware",
          options: {},
          retries: true,
          async wrapToolCall(request, handler) {
            try {
              return await handler(request);
            } catch (error) {
              if (isGraphBubbleUp(error)) throw error;
              return handler(request);
            }
          },
        }),
      capabilities: { retries: true, attempts: 2 },
    },
  },
];
