import { memoryStore, withMiddleware, wrapModel } from "@evenkeel/core";
import { scriptedModel } from "@evenkeel/testing";
import { ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { expect, test } from "vitest";
import { z } from "zod";

import { recommendedStack } from "../src/index.ts";

test.each(["read_tool_result", "look_again"])(
  "a large result is read by %s without an entry in the ledger of effects",
  async (read) => {
    const model = scriptedModel([
      { toolCalls: [{ id: "1", name: "fetch_log", args: {} }] },
      ({ messages }) => {
        const handle = /res_[0-9a-z]{20}/.exec(JSON.stringify(messages))?.[0] ?? "none";
        return { toolCalls: [{ id: "2", name: read, args: { handle, lines: 1 } }] };
      },
      { content: "Read." },
    ]);
    const log = tool(() => "a line of the log\n".repeat(5_000), {
      name: "fetch_log",
      description: "Fetches the log.",
      schema: z.object({}),
    });
    const store = memoryStore();
    const stack = recommendedStack({
      store,
      toolResultOffload: { tools: { read } },
      toolIdempotency: { tools: { fetch_log: "idempotent" } },
    });
    const agent = withMiddleware(createReactAgent({ llm: wrapModel(model), tools: [log] }), stack);
    const config = { configurable: { thread_id: read } };
    const { messages } = await agent.invoke({ messages: [["user", "Read it."]] }, config);
    const answers = messages.filter((message) => ToolMessage.isInstance(message));
    expect(answers.map(({ name, status }) => [name, status])).toMatchObject([
      ["fetch_log", "success"],
      [read, "success"],
    ]);
    const effects = await store.listEffects({
      scope: JSON.stringify(["", read]),
      threadId: read,
    });
    expect(effects.map(({ tool: name }) => name)).toEqual(["fetch_log"]);
  },
);
