import { expect, test } from "vitest";

import { openReading } from "../../src/reading/context.ts";
import { readResult } from "../../src/reading/read-result.ts";
import { searchResult } from "../../src/reading/search/search-result.ts";
import { allPages, counter, keeping, lines, owner, quoted } from "../support/reading.ts";

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
  const { context, handle, store } = await keeping(lines.join("\n"), { searchTimeoutMs: 0 });
  const answer = await searchResult(context, { handle, pattern: "ERROR" });
  expect(answer.details).toMatchObject({ late: true, next: { offset: 0 } });
  const patient = openReading({ store, owner, counter });
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
