import { memoryStore } from "@evenkeel/core";
import type { ResultStore } from "@evenkeel/core";
import { AIMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { Command, InMemoryStore } from "@langchain/langgraph";
import { describe, expect, test } from "vitest";

import { quotedIn } from "./support/quoted.ts";
import {
  KINDS,
  answering,
  calls,
  handleIn,
  isTool,
  recalledFrom,
  report,
  shop,
} from "./support/shop.ts";

const LOG = report(40_000);
/** Stands in the middle of the log, where no preview reaches. */
const INNERMOST = LOG.slice(20_000, 20_200);
const fetchLog = answering("fetch_log", () => LOG);
const done = { content: "Done." };

describe.each(KINDS)("in a $name", (kind) => {
  test("keeps a large result out of state, checkpoints and later requests", async () => {
    const agent = await shop({
      kind,
      tools: [fetchLog],
      turns: [calls({ name: "fetch_log" }), done],
    });
    const [message] = await agent.invoke();
    expect(message).toMatchObject({
      name: "fetch_log",
      tool_call_id: "call_fetch_log",
      status: "success",
    });
    expect(message?.id).toEqual(expect.any(String));
    expect(message?.text).toContain(LOG.slice(0, 100));
    expect(message?.text.length).toBeLessThan(5_000);
    expect(agent.model.calls).toHaveLength(2);
    expect(agent.everything()).toContain(handleIn(message?.text));
    expect(agent.everything()).not.toContain(JSON.stringify(INNERMOST).slice(1, -1));
    expect(agent.events.filter(({ name }) => name === "result-offloaded")).toMatchObject([
      {
        callId: "call_fetch_log",
        detail: { tool: "fetch_log", metIn: "tool", part: "content", bytes: 40_000, kind: "text" },
      },
    ]);
  });

  test("lets the model read, search and query what is kept, byte by byte", async () => {
    const orders = Array.from({ length: 2_000 }, (_, order) => ({ order, total: order * 3 }));
    const pages: string[] = [];
    const handles: string[] = [];
    const agent = await shop({
      kind,
      tools: [fetchLog, answering("export", () => orders)],
      turns: ({ messages }) => {
        const answers = messages.filter((message) => ToolMessage.isInstance(message));
        const last = answers.at(-1);
        if (last === undefined) return calls({ name: "fetch_log" }, { name: "export" });
        if (answers.length === 2) {
          handles.push(...answers.map(({ text }) => handleIn(text)));
          return calls({ name: "read_tool_result", args: { handle: handles[0], offset: 0 } });
        }
        if (last.name === "read_tool_result") {
          pages.push(quotedIn(last.text));
          const offset = /\[Next: offset (\d+)\]/.exec(last.text)?.[1];
          const args = { handle: handles[0], offset: Number(offset) };
          const id = `page_${String(offset)}`;
          return offset === undefined
            ? calls(
                {
                  name: "search_tool_result",
                  args: { handle: handles[0], pattern: "order 77 was" },
                },
                {
                  name: "query_tool_result",
                  args: { handle: handles[1], query: "map(.total) | max()" },
                },
              )
            : calls({ name: "read_tool_result", args, id });
        }
        return done;
      },
    });
    const messages = await agent.invoke();
    expect(pages.length).toBeGreaterThan(3);
    expect(pages.join("")).toBe(LOG);
    const answerOf = (name: string): string =>
      messages.find((message) => message.name === name)?.text ?? "";
    expect(answerOf("search_tool_result")).toContain("order 77 was shipped");
    expect(answerOf("query_tool_result")).toContain("5997");
    expect(messages.every(({ status }) => status !== "error")).toBe(true);
  });

  test("previews a large result of an old history in the request and leaves the state alone", async () => {
    // The question behind the old answer counts as no new turn for the script.
    const agent = await shop({ kind, tools: [fetchLog], turns: [done, done, done] });
    const history = [
      new HumanMessage({ content: "Before.", id: "human-0" }),
      assistantCalling("fetch_log", "call-0"),
      new ToolMessage({ content: LOG, name: "fetch_log", tool_call_id: "call-0", id: "tool-0" }),
      new HumanMessage({ content: "And now?", id: "human-1" }),
    ];
    const [inState] = await agent.invoke("thread-1", history);
    expect(inState?.text).toBe(LOG);
    const asked = JSON.stringify(agent.model.calls);
    expect(asked).toContain("kept outside this conversation as res_");
    expect(asked).not.toContain(JSON.stringify(INNERMOST).slice(1, -1));
    await agent.invoke("thread-1", []);
    const requests = agent.model.calls.map(({ messages }) => messages.find(isTool)?.text);
    expect(requests[1]).toBe(requests[0]);
  });

  test("keeps results in the store of the graph where it is given none", async () => {
    const graphStore = new InMemoryStore();
    const turns = [calls({ name: "fetch_log" }), done];
    const agent = await shop({ kind, tools: [fetchLog], turns, graphStore });
    const [message] = await agent.invoke();
    expect(handleIn(message?.text)).not.toBe("none");
    expect((await graphStore.search([], { limit: 100 })).length).toBeGreaterThan(0);
  });

  test("refuses a run that has no store anywhere", async () => {
    const turns = [calls({ name: "fetch_log" }), done];
    const agent = await shop({ kind, tools: [fetchLog], turns, options: { store: undefined } });
    await expect(agent.invoke()).rejects.toMatchObject({ code: "store-required" });
    expect(agent.model.calls).toHaveLength(0);
  });

  test("changes nothing in observe, and says what it would have kept", async () => {
    const turns = [calls({ name: "fetch_log" }), done];
    const agent = await shop({ kind, tools: [fetchLog], turns, options: { mode: "observe" } });
    const [message] = await agent.invoke();
    expect(message?.text).toBe(LOG);
    expect(await agent.store.resultUsage()).toMatchObject({ results: 0 });
    expect(JSON.stringify(agent.model.calls)).not.toContain("read_tool_result");
    expect(agent.events.find(({ name }) => name === "would-have-acted")?.detail).toMatchObject({
      tool: "fetch_log",
      bytes: 40_000,
    });
  });

  test("goes on with a cut that says so where the store is down", async () => {
    const store: ResultStore = {
      ...memoryStore(),
      linkResult: () => Promise.reject(new Error("connection refused")),
    };
    const turns = [calls({ name: "fetch_log" }), done];
    const agent = await shop({ kind, tools: [fetchLog], turns, store });
    const [message] = await agent.invoke();
    expect(message?.text).toContain("could not be kept elsewhere (store-unavailable)");
    expect(agent.model.calls).toHaveLength(2);
    const warning = agent.events.find(({ name }) => name === "middleware-warning");
    expect(warning?.detail).toMatchObject({ code: "store-unavailable", bytes: 40_000 });
  });

  test("answers parallel calls each with its own handle, of any length of call id", async () => {
    const list = ["a", "b", "c"].map((word) =>
      answering(`fetch_${word}`, () => report(40_000, word)),
    );
    const id = "x".repeat(1_500);
    const turn = calls({ name: "fetch_a", id }, { name: "fetch_b" }, { name: "fetch_c" });
    const agent = await shop({ kind, tools: list, turns: [turn, done] });
    const messages = await agent.invoke();
    expect(messages.find(({ name }) => name === "fetch_a")?.tool_call_id).toBe(id);
    expect(new Set(messages.map(({ text }) => handleIn(text))).size).toBe(3);
    for (const { name, text } of messages) {
      const recalled = await recalledFrom(agent.store, "thread-1", text);
      expect(recalled).toBe(report(40_000, name?.slice(-1)));
    }
  });

  test("offloads the tool messages of a Command", async () => {
    const remember = answering("remember", () => {
      const message = new ToolMessage({
        content: LOG,
        name: "remember",
        tool_call_id: "call_remember",
      });
      return new Command({ update: { messages: [message], notes: ["kept"] } });
    });
    const turns = [calls({ name: "remember" }), done];
    const agent = await shop({ kind, tools: [remember], turns });
    const [message] = await agent.invoke();
    expect(handleIn(message?.text)).not.toBe("none");
    expect(agent.everything()).not.toContain(JSON.stringify(INNERMOST).slice(1, -1));
  });
});

function assistantCalling(name: string, id: string): AIMessage {
  return new AIMessage({ content: "", id: "ai-0", tool_calls: [{ name, args: {}, id }] });
}
