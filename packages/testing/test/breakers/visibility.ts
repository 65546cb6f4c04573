import { defineMiddleware } from "@evenkeel/core";
import type {
  Handler,
  ModelRequest,
  ModelResult,
  ToolCallRequest,
  ToolResult,
} from "@evenkeel/core";
import { ToolMessage } from "@langchain/core/messages";
import { Command, StateSchema } from "@langchain/langgraph";
import { z } from "zod";

import type { Breaker } from "./breaker.ts";
import { repeating } from "./good-acting.ts";
import { quietMiddleware } from "./good-idle.ts";

interface Invokable {
  invoke(call: unknown): Promise<unknown>;
}

/** Laws 18 and 19. */
export const visibilityBreakers: readonly Breaker[] = [
  {
    law: 18,
    does: "keeps private state by a Command",
    says: /channel "_prompts" appears in stream/,
    options: {
      create: () => ({
        name: "promptLogMiddleware",
        stateSchema: new StateSchema({ _prompts: z.number().default(0) }),
        wrapModelCall: async (
          request: ModelRequest,
          handler: Handler<ModelRequest, ModelResult>,
        ) => {
          await handler(request);
          return new Command({ update: { _prompts: request.messages.length } });
        },
      }),
    },
  },
  {
    law: 18,
    does: "adds a public channel",
    says: /channel "modelCalls" appears in the output of invoke/,
    options: {
      create: () => ({
        name: "publicCountMiddleware",
        stateSchema: new StateSchema({ modelCalls: z.number().default(0) }),
        wrapModelCall: async (
          request: ModelRequest,
          handler: Handler<ModelRequest, ModelResult>,
        ) => {
          await handler(request);
          return new Command({ update: { modelCalls: request.messages.length } });
        },
      }),
    },
  },
  {
    law: 19,
    does: "acts whatever mode it is in",
    says: /in `observe` the run changed/,
    options: {
      create: () => ({
        name: "alwaysActingMiddleware",
        wrapToolCall: async (
          request: ToolCallRequest,
          handler: Handler<ToolCallRequest, ToolResult>,
        ) => {
          const { id = "", name } = request.toolCall;
          if (id !== "three") return handler(request);
          return new ToolMessage({ name, tool_call_id: id, content: "Enough." });
        },
      }),
      capabilities: { acts: { input: repeating.input, turns: repeating.turns } },
    },
  },
  {
    law: 19,
    does: "rehearses a tool with its real effect, in observe as well",
    says: /in `observe` the run changed: .*twelve apples/,
    options: {
      create: () =>
        defineMiddleware({
          name: "rehearsalMiddleware",
          options: {},
          async wrapToolCall(request, handler) {
            const { tool, toolCall } = request;
            if (toolCall.name === "record") await (tool as Invokable).invoke(toolCall.args);
            return handler(request);
          },
        }),
    },
  },
  {
    law: 19,
    does: "is given a situation in which it does not act",
    says: /in `enforce` it did nothing either/,
    options: {
      create: quietMiddleware,
      capabilities: { acts: { input: repeating.input, turns: repeating.turns } },
    },
  },
];
