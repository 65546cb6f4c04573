import { memoryStore } from "@evenkeel/core";
import { expect, test } from "vitest";

import { quotedIn } from "./support/quoted.ts";
import {
  calls,
  handleIn,
  isTool,
  recalledFrom,
  report,
  shop,
  withArtifact,
} from "./support/shop.ts";

const done = { content: "Done." };
const LINES = report(300_000).split("\n");

async function* pieces(failAfter = Infinity): AsyncGenerator<string | Uint8Array> {
  for (const [index, line] of LINES.entries()) {
    if (index === failAfter) throw new Error("connection reset by peer");
    const text = index === LINES.length - 1 ? line : `${line}\n`;
    yield index % 2 === 0 ? text : Buffer.from(text);
  }
}

const exporting = (stream: () => AsyncIterable<unknown>, summary = "Here it is.") =>
  withArtifact("export", () => [summary, stream()]);

test("keeps what a tool streams, byte for byte, and tells the model the handle", async () => {
  const agent = await shop({
    tools: [exporting(() => pieces())],
    turns: [
      calls({ name: "export" }),
      ({ messages }) => {
        const handle = handleIn(messages.findLast(isTool)?.text);
        return calls({ name: "read_tool_result", args: { handle, line: 7_000, lines: 1 } });
      },
      done,
    ],
  });
  const [message, page] = await agent.invoke();
  expect(message?.text).toMatch(/^Here it is\.\n\[More of this result is kept .*300,000 bytes/);
  expect(message?.artifact).toEqual({
    evenkeel_result: { handle: handleIn(message?.text), bytes: 300_000 },
  });
  const recalled = await recalledFrom(agent.store, "thread-1", message?.text);
  expect(Buffer.from(recalled as Uint8Array).toString()).toBe(report(300_000));
  expect(quotedIn(page?.text ?? "")).toBe("order 7000 was shipped\n");
  expect(agent.events.find(({ name }) => name === "result-offloaded")?.detail).toMatchObject({
    tool: "export",
    part: "stream",
    bytes: 300_000,
  });
});

test("says so where a stream fails half-way, keeps nothing of it, and the run goes on", async () => {
  const agent = await shop({
    tools: [exporting(() => pieces(5_000))],
    turns: [calls({ name: "export" }), done],
  });
  const [message] = await agent.invoke();
  expect(message?.text).toContain("Here it is.");
  expect(message?.text).toContain("could not be kept (source-failed)");
  expect(message?.text).toContain("connection reset by peer");
  expect(message?.artifact).toMatchObject({ evenkeel_result: { handle: null } });
  expect(agent.model.calls).toHaveLength(2);
  expect(await agent.store.resultUsage()).toMatchObject({ results: 0, storedBytes: 0 });
  expect(agent.events.find(({ name }) => name === "middleware-warning")?.detail).toMatchObject({
    code: "source-failed",
    bytes: expect.any(Number),
  });
});

test("says so where a stream gives what is neither text nor bytes, or more than its quota", async () => {
  async function* numbers(): AsyncGenerator<number> {
    yield 7;
  }
  for (const [stream, code] of [
    [numbers, "source-failed"],
    [pieces, "result-too-large"],
  ] as const) {
    const agent = await shop({
      tools: [exporting(() => stream())],
      turns: [calls({ name: "export" }), done],
      options: { maxTotalBytes: 100_000 },
    });
    const [message] = await agent.invoke();
    expect(message?.text).toContain(`could not be kept (${code})`);
  }
});

test("treats a large text beside a stream as ever, and shows both handles", async () => {
  const agent = await shop({
    tools: [exporting(() => pieces(), report(50_000, "summary"))],
    turns: [calls({ name: "export" }), done],
  });
  const [message] = await agent.invoke();
  const handles = new Set(message?.text.match(/res_[0-9a-z]{20}/g));
  expect(handles.size).toBe(2);
  expect(await agent.store.resultUsage()).toMatchObject({ results: 2, bytes: 350_000 });
});

test("leaves a stream unread in observe, and keeps an artifact in its place where the store is down", async () => {
  let read = 0;
  async function* counting(): AsyncGenerator<string> {
    read += 1;
    yield "x";
  }
  const observed = await shop({
    tools: [exporting(counting)],
    turns: [calls({ name: "export" }), done],
    options: { mode: "observe" },
  });
  expect((await observed.invoke())[0]?.text).toBe("Here it is.");
  expect(read).toBe(0);
  const rows = { rows: report(60_000) };
  const agent = await shop({
    tools: [withArtifact("export", () => ["Rows.", rows])],
    turns: [calls({ name: "export" }), done],
    store: { ...memoryStore(), linkResult: () => Promise.reject(new Error("down")) },
  });
  expect((await agent.invoke())[0]?.artifact).toEqual(rows);
  expect(agent.events.map(({ name }) => name)).toContain("middleware-warning");
});
