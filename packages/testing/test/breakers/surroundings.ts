import { defineMiddleware } from "@evenkeel/core";
import { isGraphBubbleUp } from "@langchain/langgraph";
import type { BaseStore } from "@langchain/langgraph";

import type { Breaker } from "./breaker.ts";

/** Laws 14, 15 and 16. */
export const surroundingsBreakers: readonly Breaker[] = [
  {
    law: 14,
    does: "throws an error of its own in place of the tool's",
    says: /the model reads something else: expected .* and .*the tool failed/,
    options: {
      create: () =>
        defineMiddleware({
          name: "ownWordsMiddleware",
          options: {},
          async wrapToolCall(request, handler) {
            try {
              return await handler(request);
            } catch (error) {
              if (isGraphBubbleUp(error)) throw error;
              throw new Error("the tool failed", { cause: error });
            }
          },
        }),
    },
  },
  {
    law: 14,
    does: "tries a validation error again",
    says: /the call with invalid arguments was made 2 times/,
    options: {
      create: () =>
        defineMiddleware({
          name: "hopefulMiddleware",
          options: {},
          retries: true,
          wrapToolCall: (request, handler) =>
            handler(request).catch((error: unknown) => {
              if (isGraphBubbleUp(error)) throw error;
              return handler(request);
            }),
        }),
      capabilities: { retries: true, attempts: 2 },
    },
  },
  {
    law: 15,
    does: "has a hook that is a node",
    says: /the bare graph wrote \d+ checkpoints .* with the middleware \d+/,
    options: {
      create: () => ({ name: "nodeMiddleware", beforeModel: () => undefined }),
      graphs: ["createAgent"],
    },
  },
  {
    law: 16,
    does: "takes the store for granted",
    says: /TypeError/,
    options: {
      create: () =>
        defineMiddleware({
          name: "trustingMiddleware",
          options: {},
          async wrapModelCall(request, handler) {
            await (request.runtime.store as BaseStore).put(["seen"], "model", { seen: true });
            return handler(request);
          },
        }),
    },
  },
  {
    law: 16,
    does: "does without the store and says nothing",
    says: /it used the store \d+ times where there was one, and without one it emitted no warning/,
    options: {
      create: () =>
        defineMiddleware({
          name: "silentMiddleware",
          options: {},
          async wrapModelCall(request, handler) {
            await request.runtime.store?.put(["seen"], "model", { seen: true });
            return handler(request);
          },
        }),
    },
  },
];
