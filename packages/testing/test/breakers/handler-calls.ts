import { defineMiddleware } from "@evenkeel/core";
import type { Handler, ModelRequest, ModelResult } from "@evenkeel/core";
import { AIMessage } from "@langchain/core/messages";

import type { Breaker } from "./breaker.ts";

/** Laws 4 and 5. */
export const handlerBreakers: readonly Breaker[] = [
  {
    law: 4,
    does: "tries a failed tool call again without saying that it may",
    says: /where a tool call throws, the handler of a tool call was called more than once/,
    options: {
      create: () =>
        defineMiddleware({
          name: "secretRetryMiddleware",
          options: {},
          wrapToolCall: (request, handler) => handler(request).catch(() => handler(request)),
        }),
    },
  },
  {
    law: 4,
    does: "asks the model twice, as a plain object that nothing guards",
    says: /where every call succeeds, the handler of a model call was called 2 times, 1 allowed/,
    options: {
      create: () => ({
        name: "secondOpinionMiddleware",
        wrapModelCall: async (
          request: ModelRequest,
          handler: Handler<ModelRequest, ModelResult>,
        ) => {
          await handler(request);
          return handler(request);
        },
      }),
    },
  },
  {
    law: 4,
    does: "never gives up although it said after two tries",
    says: /where a model call fails, the handler of a model call was called \d+ times, 2 allowed/,
    options: {
      create: () =>
        defineMiddleware({
          name: "stubbornMiddleware",
          options: {},
          retries: true,
          async wrapModelCall(request, handler) {
            for (;;) {
              try {
                return await handler(request);
              } catch {
                continue;
              }
            }
          },
        }),
      capabilities: { retries: true, attempts: 2 },
    },
  },
  {
    law: 5,
    does: "answers before the model has",
    says: /a model call ended with .*handler-not-awaited.* while its handler was still at work/,
    options: {
      create: () =>
        defineMiddleware({
          name: "impatientMiddleware",
          options: {},
          async wrapModelCall(request, handler) {
            void handler(request).catch(() => undefined);
            return new AIMessage("It will be fine.");
          },
        }),
    },
  },
];
