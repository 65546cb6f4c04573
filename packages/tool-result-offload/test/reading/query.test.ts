import { compile } from "@jsonquerylang/jsonquery";
import { expect, test } from "vitest";

import { queryResult } from "../../src/reading/query/query-result.ts";
import { readingToolSpecs } from "../../src/reading/tool-specs.ts";
import { allPages, counter, keeping, orders, quoted } from "../support/reading.ts";

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

test("tells the model only of functions a query has", async () => {
  const { description } = readingToolSpecs().query;
  const { context, handle } = await keeping(JSON.stringify(orders));
  const example = /Example: (.*)\.$/.exec(description)?.[1] ?? "";
  expect(await queryResult(context, { handle, query: example })).toMatchObject({ code: null });
  const listed = [...description.matchAll(/\b([a-z]\w+)\(/gi)].map(([, name = ""]) => name);
  expect(listed.length).toBeGreaterThan(15);
  for (const name of listed) {
    const calling = (): unknown => compile([name, ["get"], ["get"]]);
    expect(calling, name).not.toThrow(/Unknown function/);
  }
  expect(() => compile(["launch"])).toThrow(/Unknown function/);
});
