import { memoryStore } from "@evenkeel/core";
import { ToolMessage } from "@langchain/core/messages";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { Command } from "@langchain/langgraph";
import { expect, test } from "vitest";

import { offloadMarkOf, toolResultOffloadMiddleware } from "../src/index.ts";
import {
  answering,
  calls,
  handleIn,
  isTool,
  recalledFrom,
  report,
  shop,
  withArtifact,
} from "./support/shop.ts";

const LOG = report(40_000);
/** Stands in the middle of the log, where no preview reaches. */
const INNERMOST = LOG.slice(20_000, 20_200);
const fetchLog = answering("fetch_log", () => LOG);
const done = { content: "Done." };

test("leaves the rest of a Command as it was, whichever form its update has", async () => {
  const message = (name: string): ToolMessage =>
    new ToolMessage({ content: LOG, name, tool_call_id: `call_${name}` });
  const tools = [
    answering("pairs", () => {
      const update: [string, unknown][] = [
        ["messages", message("pairs")],
        ["notes", ["pair"]],
      ];
      return new Command({ update });
    }),
    answering("record", () => {
      const update = { messages: [message("record")], notes: ["recorded"] };
      return new Command({ update });
    }),
  ];
  const agent = await shop({ tools, turns: [calls({ name: "pairs" }, { name: "record" }), done] });
  const messages = await agent.invoke();
  expect(messages.map(({ text }) => handleIn(text))).not.toContain("none");
  expect(await agent.values()).toMatchObject({ notes: ["pair", "recorded"] });
});

test("does not let one thread read with the handle of another", async () => {
  let handle = "";
  const agent = await shop({
    tools: [fetchLog],
    turns: [
      () =>
        handle === ""
          ? calls({ name: "fetch_log" })
          : calls({ name: "read_tool_result", args: { handle } }),
      done,
    ],
  });
  const [first] = await agent.invoke("thread-1");
  handle = handleIn(first?.text);
  const [foreign] = await agent.invoke("thread-2");
  expect(foreign).toMatchObject({ status: "error" });
  expect(foreign?.text).toContain("[handle-foreign]");
  const own = (await agent.invoke("thread-1")).at(-1);
  expect(own).toMatchObject({ status: "success" });
});

test("gives two threads with equal call ids, and two scopes with equal content, handles of their own", async () => {
  const store = memoryStore();
  const turns = [calls({ name: "fetch_log" }), done];
  const parts = { tools: [fetchLog], turns, store };
  const one = await shop({ ...parts, scope: "tenant-1" });
  const other = await shop({ ...parts, scope: "tenant-2" });
  const answers = [
    await one.invoke("thread-1"),
    await one.invoke("thread-2"),
    await other.invoke("thread-1"),
  ];
  expect(new Set(answers.map(([message]) => handleIn(message?.text))).size).toBe(3);
  expect(await store.resultUsage()).toMatchObject({ results: 3, storedBytes: 80_000 });
  await store.forget({ scope: "tenant-1" });
  expect(await store.resultUsage()).toMatchObject({ results: 1, storedBytes: 40_000 });
});

test("gives a tool that runs again the handle it had", async () => {
  let runs = 0;
  const again = () => calls({ name: "fetch_log", id: `call_${(runs += 1)}` });
  const agent = await shop({ tools: [fetchLog], turns: [again, done] });
  await agent.invoke();
  const messages = await agent.invoke();
  expect(messages).toHaveLength(2);
  expect(handleIn(messages[1]?.text)).toBe(handleIn(messages[0]?.text));
});

test("never offloads what a reading tool answers, however small the limits", async () => {
  let handle = "";
  const agent = await shop({
    tools: [fetchLog],
    options: { maxTokens: 200, maxBytes: 1_000 },
    turns: [
      calls({ name: "fetch_log" }),
      ({ messages }) => {
        handle = handleIn(messages.findLast(isTool)?.text);
        return calls({ name: "read_tool_result", args: { handle, lines: 5_000 } });
      },
      done,
    ],
  });
  const page = (await agent.invoke()).at(-1);
  expect(page?.text.length).toBeGreaterThan(4_000);
  expect(agent.events.filter(({ name }) => name === "result-offloaded")).toHaveLength(1);
  const asked = agent.model.calls.at(-1)?.messages.findLast(isTool);
  expect(asked?.text).toBe(page?.text);
  expect(page === undefined ? undefined : offloadMarkOf(page)).toMatchObject({
    handle,
    reading: true,
  });
});

test("keeps content blocks and artifacts byte-exact and previews the blocks by kind", async () => {
  const image = {
    type: "image_url",
    image_url: { url: `data:image/png;base64,${"iVBO".repeat(20_000)}` },
  };
  const blocks = [{ type: "text", text: "The chart:" }, image];
  const artifact = { rows: report(50_000), bytes: new Uint8Array([0, 255, 128]) };
  const chart = withArtifact("chart", () => [blocks, artifact]);
  const agent = await shop({ tools: [chart], turns: [calls({ name: "chart" }), done] });
  const [message] = await agent.invoke();
  expect(message?.text).toContain("blocks (application/json)");
  const kept = message?.artifact as { evenkeel_result: { handle: string } };
  expect(await recalledFrom(agent.store, "thread-1", message?.text)).toEqual(blocks);
  expect(await recalledFrom(agent.store, "thread-1", kept)).toEqual(artifact);
  expect(agent.everything()).not.toContain("iVBO".repeat(2_000));
});

test("keeps an error readable, and offloads one only where it is huge or told to", async () => {
  const failing = (bytes: number) =>
    answering("fail", () => {
      const content = report(bytes, "failure");
      return new ToolMessage({ content, status: "error", name: "fail", tool_call_id: "call_fail" });
    });
  const turns = [calls({ name: "fail" }), done];
  const small = await shop({ tools: [failing(12_000)], turns });
  expect((await small.invoke())[0]?.text).toBe(report(12_000, "failure"));
  const told = await shop({ tools: [failing(12_000)], turns, options: { preserveErrors: false } });
  const huge = await shop({ tools: [failing(200_000)], turns });
  for (const agent of [told, huge]) {
    const [message] = await agent.invoke();
    expect(message).toMatchObject({ status: "error" });
    expect(handleIn(message?.text)).not.toBe("none");
    expect(message?.text).toContain("failure 1 was shipped");
  }
});

test("leaves small results, exempted tools and values that would not come back as they are", async () => {
  const cyclic = { self: {} as object, text: LOG };
  cyclic.self = cyclic;
  const tools = [
    answering("small", () => "ok"),
    fetchLog,
    withArtifact("strange", () => ["ok", cyclic]),
  ];
  const turns = [calls({ name: "small" }, { name: "fetch_log" }, { name: "strange" }), done];
  const options = { perTool: { fetch_log: false } } as const;
  const agent = await shop({ tools, turns, options });
  const messages = await agent.invoke();
  expect(messages.map(({ text }) => text)).toEqual(["ok", LOG, "ok"]);
  expect(messages[2]?.artifact).toBe(cyclic);
  expect(agent.events.map(({ name }) => name)).not.toContain("result-offloaded");
});

test("hands the whole result to a tool that takes a handle, and refuses a foreign one with a code", async () => {
  const received: unknown[] = [];
  const count = answering("count", ({ text, note }: { text: string; note: string }) => {
    received.push(text, note);
    return String(text.length);
  });
  const forged = "res_00000000000000000000";
  const agent = await shop({
    tools: [fetchLog, count],
    options: { refArguments: { count: ["text"] } },
    turns: [
      calls({ name: "fetch_log" }),
      ({ messages }) => {
        const handle = handleIn(messages.findLast(isTool)?.text);
        return calls({ name: "count", args: { text: handle, note: handle } });
      },
      calls({ name: "count", args: { text: forged }, id: "call_forged" }),
      done,
    ],
  });
  const messages = await agent.invoke();
  expect(received).toEqual([LOG, handleIn(messages[0]?.text)]);
  expect(messages[1]?.text).toBe("40000");
  expect(messages[2]).toMatchObject({ status: "error", tool_call_id: "call_forged" });
  expect(messages[2]?.text).toContain("[handle-foreign] Argument text:");
  expect(agent.everything()).not.toContain(JSON.stringify(INNERMOST).slice(1, -1));
});

test("offers the tools under other names, or none at all", async () => {
  const turns = [calls({ name: "fetch_log" }), done];
  const renamed = await shop({ tools: [fetchLog], turns, options: { tools: { read: "peek" } } });
  expect((await renamed.invoke())[0]?.text).toContain("read parts of it with peek");
  expect(JSON.stringify(renamed.model.calls[0]?.parameters)).toContain('"peek"');
  const none = await shop({ tools: [fetchLog], turns, options: { tools: false } });
  expect((await none.invoke())[0]?.text).toContain("The rest cannot be read from here.");
  expect(JSON.stringify(none.model.calls)).not.toContain("read_tool_result");
});

test("answers with its reading tools inside the middleware only", async () => {
  const { tools = [] } = toolResultOffloadMiddleware();
  expect(tools).toHaveLength(3);
  const [read] = tools as readonly StructuredToolInterface[];
  const outside = read?.invoke({ handle: "res_00000000000000000000" });
  await expect(outside).rejects.toMatchObject({ code: "outside-middleware" });
});
