import { randomBytes } from "node:crypto";

import { expect, test } from "vitest";

import { createResultStore } from "../src/create-result-store.ts";
import { keepResult, recallResult, renderTruncated } from "../src/keep-result.ts";
import { memoryResults } from "../src/memory-driver.ts";
import type { ResultStore } from "../src/result-store.ts";
import { loadTokenCounter } from "../src/token-counter.ts";
import { queryResult } from "../src/tools/query-result.ts";
import { readResult } from "../src/tools/read-result.ts";
import type { ReadingAnswer, ReadingContext } from "../src/tools/reading-context.ts";
import type { ReadingLimits } from "../src/tools/reading-limits.ts";
import { readingToolSpecs } from "../src/tools/reading-tool-specs.ts";
import { searchResult } from "../src/tools/search-result.ts";

const counter = await loadTokenCounter();
const owner = { scope: "acme", threadId: "1" };

async function keeping(
  content: string | Uint8Array,
  limits: ReadingLimits = {},
): Promise<{ context: ReadingContext; handle: string; store: ResultStore }> {
  const store = createResultStore(memoryResults());
  const { handle } = await store.put(owner, content);
  return { context: { store, owner, counter, limits }, handle, store };
}

function quoted(answer: ReadingAnswer): string {
  const match = /<<<(res_\w+)\n([^]*)\n\1>>>/.exec(answer.text);
  return match?.[2] ?? "";
}

/** Follows the pages of a reading tool to the end and joins what it quoted. */
async function allPages(
  first: ReadingAnswer,
  turn: (next: object) => Promise<ReadingAnswer>,
): Promise<ReadingAnswer[]> {
  const pages = [first];
  for (let page = first; page.details["next"] !== null; pages.push(page)) {
    page = await turn(page.details["next"] as object);
    expect(page.status).toBe("success");
    expect(pages.length).toBeLessThan(2_000);
  }
  return pages;
}

const lines = Array.from(
  { length: 3_000 },
  (_, index) => `line ${index + 1} ${index % 500 === 7 ? "ERROR boom" : "fine"}`,
);

test("reads lines by number", async () => {
  const { context, handle } = await keeping(lines.join("\n"));
  const answer = await readResult(context, { handle, line: 100, lines: 3 });
  expect(quoted(answer)).toBe("line 100 fine\nline 101 fine\nline 102 fine\n");
  expect(answer.details).toMatchObject({ line: 100, lines: 3_000, next: { line: 103 } });
  expect(answer.text).toContain("[Next: line 103]");
});

test.each([
  ["lines", lines.join("\n")],
  ["one line of 200 KB", "x1 y2 z3 ".repeat(22_000)],
  ["characters of several bytes", "añ🎉龘\n".repeat(6_000)],
  ["a lone surrogate in the middle", `${"a".repeat(20_000)}\ud800${"b".repeat(20_000)}`],
  ["arbitrary bytes", randomBytes(40_000)],
  ["a text that quotes the marks", "<<<res_0\nres_0>>>\n".repeat(3_000)],
  ["nothing", ""],
])("gives back %s byte for byte over its pages", async (_, content) => {
  const { context, handle, store } = await keeping(content);
  const stored: Uint8Array[] = [];
  for await (const piece of store.stream(owner, handle)) stored.push(piece.bytes);
  for (const start of [{}, { offset: 0 }]) {
    const pages = await allPages(await readResult(context, { handle, ...start }), (next) =>
      readResult(context, { handle, ...next }),
    );
    const bytes = pages.map((page) =>
      Buffer.from(quoted(page), page.details["encoding"] as "base64"),
    );
    expect(Buffer.concat(bytes).equals(Buffer.concat(stored))).toBe(true);
    for (const page of pages) expect(counter.count(page.text)).toBeLessThan(2_200);
  }
});

test("begins at a whole character when asked to begin inside one", async () => {
  const { context, handle } = await keeping("🎉🎉🎉");
  const answer = await readResult(context, { handle, offset: 1, bytes: 6 });
  expect(quoted(answer)).toBe("🎉");
  expect(answer.details).toMatchObject({ offset: 0, next: { offset: 4 } });
});

test("finds lines with their context and numbers", async () => {
  const { context, handle } = await keeping(lines.join("\n"));
  const answer = await searchResult(context, { handle, pattern: "(?i)error\\s+b", context: 1 });
  expect(quoted(answer).split("\n").slice(0, 4)).toEqual([
    "7- line 7 fine",
    "8: line 8 ERROR boom",
    "9- line 9 fine",
    "--",
  ]);
  expect(answer.details).toMatchObject({ matches: 6, next: null });
});

test("pages through matches without losing or repeating one", async () => {
  const { context, handle } = await keeping(lines.join("\n"));
  const pattern = "line \\d+1 ";
  const pages = await allPages(
    await searchResult(context, { handle, pattern, context: 0, limit: 100 }),
    (next) => searchResult(context, { handle, pattern, context: 0, limit: 100, ...next }),
  );
  const found = pages.flatMap((page) =>
    [...quoted(page).matchAll(/^(\d+): /gm)].map((match) => Number(match[1])),
  );
  expect(found).toEqual(
    lines.flatMap((line, index) => (/line \d+1 /.test(line) ? [index + 1] : [])),
  );
});

test("finds every match of a line of a megabyte, with offsets that read there", async () => {
  const parts = Array.from(
    { length: 40 },
    (_, index) => `${"filler, ".repeat(3_300)}needle-${index}é`,
  );
  const { context, handle } = await keeping(parts.join(""));
  const pages = await allPages(
    await searchResult(context, { handle, pattern: "needle-\\d+", limit: 15 }),
    (next) => searchResult(context, { handle, pattern: "needle-\\d+", limit: 15, ...next }),
  );
  const offsets = pages.flatMap((page) =>
    [...quoted(page).matchAll(/\(offset (\d+)\)/g)].map((match) => Number(match[1])),
  );
  expect(offsets).toHaveLength(40);
  for (const [index, offset] of offsets.entries()) {
    const there = await readResult(context, { handle, offset, bytes: 7 + String(index).length });
    expect(quoted(there)).toBe(`needle-${index}`);
  }
});

test("caps a search whose matches are long, and goes on from there", async () => {
  const long = Array.from({ length: 200 }, (_, index) => `hit ${index} ${"w ".repeat(5_000)}`).join(
    "\n",
  );
  const { context, handle } = await keeping(long);
  const pages = await allPages(
    await searchResult(context, { handle, pattern: "^hit", limit: 100 }),
    (next) => searchResult(context, { handle, pattern: "^hit", limit: 100, ...next }),
  );
  const found = pages.flatMap((page) =>
    [...quoted(page).matchAll(/: hit (\d+) /g)].map((match) => Number(match[1])),
  );
  expect(found).toEqual(Array.from({ length: 200 }, (_, index) => index));
  for (const page of pages) expect(counter.count(page.text)).toBeLessThan(2_500);
});

test("answers a catastrophic expression like any other", async () => {
  const { context, handle } = await keeping(`${"a".repeat(200_000)}!\n`.repeat(5));
  for (const pattern of ["(a+)+$", "(a|aa)+$", "(.*)*x", "^(\\w+\\s?)*$", "(x+x+)+y"]) {
    const answer = await searchResult(context, { handle, pattern });
    expect(answer).toMatchObject({ status: "success", code: null });
  }
});

test("stops a slow search at its time and goes on where it stopped", async () => {
  const { context, handle } = await keeping(lines.join("\n"), { searchTimeoutMs: 0 });
  const answer = await searchResult(context, { handle, pattern: "ERROR" });
  expect(answer.details).toMatchObject({ late: true, next: { offset: 0 } });
  const patient = { ...context, limits: {} };
  expect(
    (await searchResult(patient, { handle, pattern: "ERROR", offset: 0 })).details["matches"],
  ).toBe(6);
});

test.each([
  ["(unclosed", "pattern-invalid"],
  ["a(?=b)", "pattern-invalid"],
  ["(a)\\1", "pattern-invalid"],
  ["", "pattern-invalid"],
  ["((a{100}){10}){10}", "pattern-invalid"],
  ["[a-z]{900}[0-9]{900}", "pattern-too-large"],
  ["x".repeat(5_000), "pattern-too-large"],
])("refuses the expression %s with a code", async (pattern, code) => {
  const { context, handle } = await keeping("text");
  const answer = await searchResult(context, { handle, pattern });
  expect(answer).toMatchObject({ status: "error", code });
  expect(answer.text).toContain("regular expression");
});

const orders = {
  items: Array.from({ length: 5_000 }, (_, id) => ({
    id,
    total: id % 100,
    region: id % 2 ? "north" : "south",
  })),
};

test("answers a query over JSON", async () => {
  const { context, handle } = await keeping(JSON.stringify(orders));
  const answer = await queryResult(context, {
    handle,
    query: ".items | filter(.total > 97) | groupBy(.region) | mapValues(size())",
  });
  expect(JSON.parse(quoted(answer))).toEqual({ south: 50, north: 50 });
});

test("answers a query over lines of JSON", async () => {
  const { context, handle } = await keeping(
    orders.items.map((item) => JSON.stringify(item)).join("\n"),
  );
  expect(quoted(await queryResult(context, { handle, query: "map(.total) | sum()" }))).toBe(
    "247500",
  );
});

test("pages through a large answer of a query", async () => {
  const { context, handle } = await keeping(JSON.stringify(orders));
  const query = ".items | filter(.total < 30)";
  const pages = await allPages(await queryResult(context, { handle, query }), (next) =>
    queryResult(context, { handle, query, ...next }),
  );
  expect(pages.length).toBeGreaterThan(5);
  expect(JSON.parse(pages.map(quoted).join(""))).toEqual(
    orders.items.filter((item) => item.total < 30),
  );
  for (const page of pages) expect(counter.count(page.text)).toBeLessThan(2_200);
});

test.each([
  ["a syntax error", ".items | filter(", "query-invalid", "pos"],
  ["an unknown function", "launch()", "query-invalid", "Unknown function"],
  [
    "what the data does not have",
    ".items | .name | map(.x)",
    "query-invalid",
    "an object with the keys items",
  ],
  [
    "a regular expression",
    '.items | filter(regex(.region, "^n"))',
    "query-invalid",
    "regex is off",
  ],
  ["a match", '.items | map(match(.region, "(a+)+$"))', "query-invalid", "match is off"],
  ["all matches", '.items | map(matchAll(.region, "(a+)+$"))', "query-invalid", "matchAll is off"],
  ["nothing", " ", "query-invalid", "1 to 4000"],
  ["a prototype", '.items | map(get("__proto__"))', "query-invalid", "Unsupported property"],
])("refuses %s in a query with a code", async (_, query, code, hint) => {
  const { context, handle } = await keeping(JSON.stringify(orders));
  const answer = await queryResult(context, { handle, query });
  expect(answer).toMatchObject({ status: "error", code });
  expect(answer.text).toContain(hint);
});

test("ends a query that would take all time or memory", async () => {
  const doubling = `[get(),get()]${" | [get(),get()] | flatten()".repeat(40)}`;
  const { context, handle } = await keeping("[1,2,3]", { queryTimeoutMs: 3_000 });
  const answer = await queryResult(context, { handle, query: doubling });
  expect(answer).toMatchObject({ status: "error", code: "query-exhausted" });
});

test("refuses to query what is no JSON, and what is too large", async () => {
  const text = await keeping("no JSON at all");
  expect(await queryResult(text.context, { handle: text.handle, query: "size()" })).toMatchObject({
    code: "not-json",
  });
  const large = await keeping(JSON.stringify(orders), { maxQueryBytes: 1_000 });
  expect(await queryResult(large.context, { handle: large.handle, query: "size()" })).toMatchObject(
    { code: "query-too-large" },
  );
});

test("survives a query over JSON 100,000 deep", async () => {
  const { context, handle } = await keeping(`${"[".repeat(100_000)}${"]".repeat(100_000)}`);
  expect(quoted(await queryResult(context, { handle, query: "size()" }))).toBe("1");
  expect(await queryResult(context, { handle, query: "get()" })).toMatchObject({
    code: "query-exhausted",
  });
});

const everyTool = [
  ["reading", (context: ReadingContext, handle: string) => readResult(context, { handle })],
  [
    "searching",
    (context: ReadingContext, handle: string) => searchResult(context, { handle, pattern: "a" }),
  ],
  [
    "querying",
    (context: ReadingContext, handle: string) => queryResult(context, { handle, query: "size()" }),
  ],
] as const;

test.each(everyTool)("answers a wrong handle with a code when %s", async (_, use) => {
  const { context, handle, store } = await keeping("[1]");
  const stranger = { ...context, owner: { scope: "acme", threadId: "2" } };
  const elsewhere = { ...context, owner: { scope: "globex", threadId: "1" } };
  expect(await use(stranger, handle)).toMatchObject({ status: "error", code: "handle-foreign" });
  expect(await use(elsewhere, handle)).toMatchObject({ code: "handle-foreign" });
  expect(await use(context, "res_00000000000000000000")).toMatchObject({ code: "handle-foreign" });
  expect(await use(context, "the log")).toMatchObject({ code: "handle-malformed" });
  expect((await use(context, `"${handle}".`)).status).toBe("success");
  await store.delete(owner, handle);
  expect(await use(context, handle)).toMatchObject({ code: "result-gone" });
});

test.each(everyTool)("answers a store that is down or slow with a code when %s", async (_, use) => {
  const { context, handle } = await keeping("[1]");
  const failing = (operation: () => Promise<never>): ReadingContext => ({
    ...context,
    limits: { storeTimeoutMs: 50 },
    store: {
      ...context.store,
      stat: operation,
      read: operation,
      stream: () => ({ [Symbol.asyncIterator]: () => ({ next: operation }) }),
    },
  });
  const down = failing(() => Promise.reject(new Error("connect ECONNREFUSED")));
  expect(await use(down, handle)).toMatchObject({
    code: "store-unavailable",
    text: expect.stringContaining("ECONNREFUSED"),
  });
  const slow = failing(() => new Promise(() => undefined));
  expect(await use(slow, handle)).toMatchObject({ code: "store-timeout" });
});

test.each(everyTool)("passes an abort on as it is when %s", async (_, use) => {
  const { context, handle } = await keeping("[1]");
  const reason = new Error("the caller left");
  await expect(use({ ...context, signal: AbortSignal.abort(reason) }, handle)).rejects.toBe(reason);
});

test.each([
  ["line", { line: 0 }],
  ["lines", { lines: -5 }],
  ["offset", { offset: 1.5 }],
  ["offset", { offset: "many" as unknown as number }],
])("answers a wrong %s with a code", async (name, wrong) => {
  const { context, handle } = await keeping("text");
  const answer = await readResult(context, { handle, ...wrong });
  expect(answer).toMatchObject({ code: "invalid-options", text: expect.stringContaining(name) });
});

test("keeps a value, shows a preview in its place and brings the value back", async () => {
  const store = createResultStore(memoryResults());
  const values = [
    "text ".repeat(9_000),
    [{ type: "text", text: "a\n".repeat(5_000) }],
    [
      { type: "text", text: "see" },
      { type: "image", data: "QUJD".repeat(9_000), mimeType: "image/png" },
    ],
    { rows: Array.from({ length: 2_000 }, (_, id) => ({ id })) },
    new Uint8Array(randomBytes(50_000)),
  ];
  const kinds = [];
  for (const value of values) {
    const kept = await keepResult(value, {
      store,
      owner,
      counter,
      tools: { read: "read_tool_result" },
    });
    kinds.push(kept.preview.kind);
    expect(kept.text).toContain(kept.stored.handle);
    expect(counter.count(kept.text)).toBeLessThan(1_000);
    expect(await recallResult({ store, owner }, kept.stored.handle)).toEqual(value);
    await expect(
      recallResult({ store, owner: { ...owner, threadId: "2" } }, kept.stored.handle),
    ).rejects.toMatchObject({ code: "handle-foreign" });
  }
  expect(kinds).toEqual(["text", "text", "blocks", "json", "binary"]);
});

test("says so where a result could not be kept", async () => {
  const store: ResultStore = {
    ...createResultStore(memoryResults()),
    put: () => Promise.reject(new Error("disk full")),
  };
  const value = "important ".repeat(9_000);
  const error = await keepResult(value, { store, owner, counter }).catch(
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: "store-unavailable", cause: { message: "disk full" } });
  const text = renderTruncated(value, error, { counter });
  expect(text).toContain("could not be kept elsewhere (store-unavailable)");
  expect(counter.count(text)).toBeLessThan(1_000);
});

test("refuses limits that are no figures, and limits there are not", async () => {
  const { context, handle } = await keeping("text");
  const wrong: [ReadingLimits, RegExp][] = [
    [{ maxTokens: 0 }, /maxTokens must be a number from 20/],
    [{ storeTimeoutMs: Number.NaN }, /storeTimeoutMs/],
    [{ maxToken: 5 } as ReadingLimits, /no limit maxToken; there are maxTokens/],
  ];
  for (const [limits, message] of wrong) {
    const answer = await readResult({ ...context, limits }, { handle });
    expect(answer).toMatchObject({ code: "invalid-options", text: expect.stringMatching(message) });
  }
});

test("tells the model only of functions a query has", async () => {
  const { context, handle } = await keeping(JSON.stringify(orders));
  const example = /Example: (.*)\.$/.exec(readingToolSpecs().query.description)?.[1] ?? "";
  expect(await queryResult(context, { handle, query: example })).toMatchObject({ code: null });
  const listed = [...readingToolSpecs().query.description.matchAll(/\b([a-z]\w+)\(/gi)].map(
    (match) => match[1],
  );
  for (const name of new Set(listed)) {
    const { text } = await queryResult(context, { handle, query: `${name}()` });
    expect(text).not.toContain("Unknown function");
  }
});
