import { defineMiddleware } from "@evenkeel/core";
import { AIMessage, SystemMessage } from "@langchain/core/messages";
import type { ToolMessage } from "@langchain/core/messages";

import type { Breaker } from "./breaker.ts";

/** Laws 2 and 3. */
export const resultBreakers: readonly Breaker[] = [
  {
    law: 2,
    does: "returns a copy of the model's answer",
    says: /a model call returned another object than its handler did/,
    options: {
      create: () =>
        defineMiddleware({
          name: "copyMiddleware",
          options: {},
          async wrapModelCall(request, handler) {
            const { id = "", content, tool_calls } = (await handler(request)) as AIMessage;
            return new AIMessage({ id, content, ...(tool_calls && { tool_calls }) });
          },
        }),
    },
  },
  {
    law: 2,
    does: "adds to the system prompt where there is nothing to say",
    says: /a model call reached the handler with another `systemMessage`/,
    options: {
      create: () =>
        defineMiddleware({
          name: "politeMiddleware",
          options: {},
          wrapModelCall: (request, handler) => {
            const systemMessage = new SystemMessage(`${request.systemMessage.text} Be polite.`);
            return handler({ ...request, systemMessage, systemPrompt: systemMessage.text });
          },
        }),
      // LangChain takes a change of one of the two fields only.
      graphs: ["StateGraph"],
    },
  },
  {
    law: 3,
    does: "reads the content of whatever a tool returns",
    says: /answered with a Command and the middleware did not return it/,
    options: {
      create: () =>
        defineMiddleware({
          name: "measureMiddleware",
          options: {},
          async wrapToolCall(request, handler, { emit }) {
            const result = await handler(request);
            const { length } = (result as ToolMessage).content;
            if (length > 100_000) emit("custom-long-result", { detail: { length } });
            return result;
          },
        }),
    },
  },
];
