import { memoryStore, withMiddleware } from "@evenkeel/core";
import type { Middleware } from "@evenkeel/core";
import { scriptedModel } from "@evenkeel/testing";
import type { ScriptedModel } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import type { BaseMessage, ToolMessage } from "@langchain/core/messages";
import { MemorySaver } from "@langchain/langgraph";
import { createDeepAgent } from "deepagents";
import { expect, test } from "vitest";

import { toolResultOffloadMiddleware } from "../src/index.ts";
import type { ToolResultOffloadOptions } from "../src/index.ts";
import { quotedIn } from "./support/quoted.ts";
import { answering, calls, handleIn, isTool, recalledFrom, report } from "./support/shop.ts";

/** More than the 20,000 tokens from which deepagents moves a result to its files. */
const LOG = report(200_000);
const fetchLog = answering("fetch_log", () => LOG);
const done = { content: "Done." };

interface DeepState {
  messages: BaseMessage[];
  files?: Record<string, { content: unknown }>;
}

function deepAgent(
  model: ScriptedModel,
  middleware: readonly Middleware[] = [],
  subagents: readonly object[] = [],
) {
  return createDeepAgent({
    model,
    tools: [fetchLog],
    checkpointer: new MemorySaver(),
    middleware: middleware as never,
    subagents: subagents as never,
  });
}

async function ask(agent: unknown): Promise<DeepState & { answers: ToolMessage[] }> {
  const { invoke } = agent as { invoke(input: object, config: object): Promise<DeepState> };
  const input = { messages: [new HumanMessage("Please.")] };
  const config = { configurable: { thread_id: "thread-1" } };
  const state = await Reflect.apply(invoke, agent, [input, config]);
  return { ...state, answers: state.messages.filter((message) => isTool(message)) };
}

function offload(options: ToolResultOffloadOptions = {}) {
  return toolResultOffloadMiddleware({ store: memoryStore(), ...options });
}

test("as one of the agent's own middleware keeps a result before it would go to the files", async () => {
  const model = scriptedModel([calls({ name: "fetch_log" }), done]);
  const { answers, files } = await ask(withMiddleware(deepAgent(model, [offload()])));
  expect(handleIn(answers[0]?.text)).not.toBe("none");
  expect(Object.keys(files ?? {})).toEqual([]);
});

test.each([
  ["around the agent", (model: ScriptedModel) => withMiddleware(deepAgent(model), [offload()])],
  [
    "told to leave a tool alone",
    (model: ScriptedModel) =>
      withMiddleware(deepAgent(model, [offload({ perTool: { fetch_log: false } })])),
  ],
])("%s leaves what went to the files there, and its message as it is", async (_, build) => {
  const model = scriptedModel([calls({ name: "fetch_log" }), done]);
  const { answers, files } = await ask(build(model));
  const [path = ""] = Object.keys(files ?? {});
  expect(path).toMatch(/^\/large_tool_results\//);
  expect(JSON.stringify(files?.[path])).toContain("order 5000 was shipped");
  expect(answers[0]?.text).toContain(path);
  expect(handleIn(answers[0]?.text)).toBe("none");
});

test("has no page of its own moved to the files, nor offloaded again", async () => {
  const store = memoryStore();
  const model = scriptedModel([
    calls({ name: "fetch_log" }),
    ({ messages }) => {
      const handle = handleIn(messages.findLast(isTool)?.text);
      return calls({ name: "read_tool_result", args: { handle, lines: 5_000 } });
    },
    done,
  ]);
  const { answers, files } = await ask(withMiddleware(deepAgent(model, [offload({ store })])));
  const page = quotedIn(answers[1]?.text ?? "");
  expect(page.length).toBeGreaterThan(5_000);
  expect(page).toBe(LOG.slice(0, page.length));
  expect(Object.keys(files ?? {})).toEqual([]);
  expect(await store.resultUsage()).toMatchObject({ results: 1 });
});

test("works without withMiddleware, and hands a subagent's results on by handle", async () => {
  const store = memoryStore();
  const middleware = [offload({ store })];
  const clerk = {
    name: "clerk",
    description: "fetches logs",
    systemPrompt: "Fetch.",
    model: scriptedModel([
      calls({ name: "fetch_log" }),
      ({ messages }) => ({ content: `It is ${handleIn(messages.findLast(isTool)?.text)}.` }),
    ]),
    tools: [fetchLog],
    middleware,
  };
  const model = scriptedModel([
    calls({ name: "task", args: { subagent_type: "clerk", description: "fetch the log" } }),
    ({ messages }) => {
      const handle = handleIn(messages.findLast(isTool)?.text);
      return calls({ name: "search_tool_result", args: { handle, pattern: "order 4321 " } });
    },
    done,
  ]);
  const { answers } = await ask(deepAgent(model, middleware, [clerk]));
  expect(answers.map(({ name }) => name)).toEqual(["task", "search_tool_result"]);
  expect(answers[1]?.text).toContain("4321: order 4321 was shipped");
  expect(await recalledFrom(store, "thread-1", answers[0]?.text)).toBe(LOG);
});
