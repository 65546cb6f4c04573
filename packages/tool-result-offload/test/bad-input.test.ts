import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { memoryStore } from "@evenkeel/core";
import type { ResultStore } from "@evenkeel/core";
import type { ToolMessage } from "@langchain/core/messages";
import { afterAll, beforeAll, expect, test } from "vitest";

import { directoryResults } from "../src/index.ts";
import { quotedIn } from "./support/quoted.ts";
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
import type { ShopParts } from "./support/shop.ts";

const LOG = report(40_000);
const fetchLog = answering("fetch_log", () => LOG);
const done = { content: "Done." };

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "results-"));
});
afterAll(() => rm(root, { recursive: true }));

/** Fetches once and then calls one tool with the handle it got; the run ends as it should. */
async function afterFetching(
  call: (handle: string) => { name: string; args: object },
  parts: Partial<ShopParts> = {},
): Promise<ToolMessage | undefined> {
  const agent = await shop({
    tools: [fetchLog],
    ...parts,
    turns: [
      calls({ name: "fetch_log" }),
      ({ messages }) => calls(call(handleIn(messages.findLast(isTool)?.text))),
      done,
    ],
  });
  const messages = await agent.invoke();
  expect(agent.model.calls).toHaveLength(3);
  return messages.at(-1);
}

const search = (pattern: string) => (handle: string) => ({
  name: "search_tool_result",
  args: { handle, pattern },
});
const query = (text: string) => (handle: string) => ({
  name: "query_tool_result",
  args: { handle, query: text },
});

test("keeps 200 MB and reads their end, and the run goes on", async () => {
  const bytes = 200_000_000;
  const huge = answering("fetch_log", () => `${"a".repeat(bytes - 10)}\nthe end.\n`);
  const store = directoryResults(root);
  const read = (handle: string) => ({
    name: "read_tool_result",
    args: { handle, offset: bytes - 9 },
  });
  const answer = await afterFetching(read, { tools: [huge], store });
  expect(quotedIn(answer?.text ?? "")).toBe("the end.\n");
  expect(await store.resultUsage()).toMatchObject({ results: 1, bytes });
});

test("keeps a lone surrogate, a NUL and bytes that are no UTF-8 exactly", async () => {
  const text = `${report(30_000)}\ud800\0\udfff${report(30_000)}`;
  const bytes = Uint8Array.from({ length: 50_000 }, (_, at) => (at * 31) % 256);
  const odd = withArtifact("odd", () => [text, bytes]);
  const agent = await shop({ tools: [odd], turns: [calls({ name: "odd" }), done] });
  const [message] = await agent.invoke();
  expect(await recalledFrom(agent.store, "thread-1", message?.text)).toBe(text);
  expect(await recalledFrom(agent.store, "thread-1", message?.artifact)).toEqual(bytes);
});

test("previews JSON nested 100,000 deep, and says what a query of it cannot be", async () => {
  const deep = "[".repeat(100_000) + "]".repeat(100_000);
  const tools = [answering("fetch_log", () => deep)];
  const answer = await afterFetching(query("get()"), { tools });
  expect(answer).toMatchObject({ status: "error" });
  expect(answer?.text).toContain("[query-exhausted] The query was given up");
});

test.each([
  ["a catastrophic expression like any other", "(a+)+$|(.*)*x", "success", "matches of"],
  ["an expression that cannot be with its code", "(unclosed", "error", "[pattern-invalid]"],
])("answers %s", async (_, pattern, status, text) => {
  const answer = await afterFetching(search(pattern));
  expect(answer).toMatchObject({ status });
  expect(answer?.text).toContain(text);
});

test("answers a query with a syntax error, and one of what is no JSON, with their codes", async () => {
  const tools = [answering("fetch_log", () => JSON.stringify(LOG.split("\n")))];
  const wrong = await afterFetching(query("filter("), { tools });
  expect(wrong?.text).toContain("[query-invalid] The query cannot be used");
  expect((await afterFetching(query("size()")))?.text).toContain(
    "[not-json] The result is not JSON",
  );
});

test("answers a handle that was pruned, forged or mistyped with its code", async () => {
  const store = memoryStore();
  const forgetful = { ...store, readResult: async () => undefined };
  const reading = (change: (handle: string) => string) => (handle: string) => ({
    name: "read_tool_result",
    args: { handle: change(handle) },
  });
  const pruned = await afterFetching(
    reading((handle) => handle),
    { store: forgetful },
  );
  expect(pruned?.text).toContain("[result-gone]");
  const forged = await afterFetching(reading(() => "res_00000000000000000000"));
  expect(forged?.text).toContain("[handle-foreign]");
  expect((await afterFetching(reading(() => "the log")))?.text).toContain("[handle-malformed]");
});

test.each([
  ["down", () => Promise.reject(new Error("connect ECONNREFUSED")), "store-unavailable"],
  ["slow", () => new Promise<never>(() => undefined), "store-timeout"],
])(
  "leaves a cut where the store is %s, and answers its reader with a code",
  async (_, fail, code) => {
    const memory = memoryStore();
    const writing: ResultStore = { ...memory, linkResult: fail };
    const options = { storeTimeoutMs: 50 };
    const turns = [calls({ name: "fetch_log" }), done];
    const agent = await shop({ tools: [fetchLog], turns, store: writing, options });
    const [message] = await agent.invoke();
    expect(message?.text).toContain(`could not be kept elsewhere (${code})`);
    expect(quotedIn(message?.text ?? "")).toContain("order 1 was shipped");
    expect(agent.events.find(({ name }) => name === "middleware-warning")?.detail).toMatchObject({
      code,
      bytes: 40_000,
    });
    const reading: ResultStore = { ...memory, findResult: fail, readResult: fail };
    const answer = await afterFetching(search("order"), { store: reading, options });
    expect(answer).toMatchObject({ status: "error" });
    expect(answer?.text).toContain(`[${code}]`);
  },
);
