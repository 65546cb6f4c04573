import { randomBytes } from "node:crypto";

import { expect, test } from "vitest";

import { readResult } from "../../src/reading/read-result.ts";
import { allPages, counter, keeping, lines, owner, quoted } from "../support/reading.ts";

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
  const { context, handle } = await keeping(content);
  const stored: Uint8Array[] = [];
  for await (const piece of context.results.stream(owner, handle)) stored.push(piece.bytes);
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
