import { expect, test } from "vitest";

import { CONCERNS, OTHERS } from "../support/packages.ts";
import { sourceFiles } from "../support/source-files.ts";

/** Files longer than a reader likes, and why each is one idea all the same. */
const LONG: Readonly<Record<string, string>> = {
  "packages/core/src/middleware.ts":
    "the whole contract, to be read in one place; half of it is comment",
  "packages/core/src/store/memory-effects.ts":
    "the ledger's rules, as the Postgres one has them in SQL",
  "packages/testing/src/store/cases-effects.ts": "a table of cases, one after the other",
};

const WORRY = 250;

test("a source file holds one idea: none is long without a reason, the median is short", async () => {
  const folders = [...new Set(CONCERNS.map(({ folder }) => folder)), ...OTHERS];
  const files = await Promise.all(
    folders.map(async (folder) =>
      (await sourceFiles(folder)).map(({ path, text }) => ({
        file: `packages/${folder}/${path}`,
        lines: text.trimEnd().split("\n").length,
      })),
    ),
  );
  const sorted = files.flat().toSorted((one, other) => one.lines - other.lines);
  const median = sorted[Math.floor(sorted.length / 2)]?.lines ?? 0;
  const longest = sorted.at(-1);
  console.log(
    `${sorted.length} source files, median ${median} lines, longest ${longest?.file} with ${longest?.lines}: ${LONG[longest?.file ?? ""]}`,
  );
  const long = sorted.filter(({ lines }) => lines > WORRY).map(({ file }) => file);
  expect(long.toSorted()).toEqual(Object.keys(LONG).toSorted());
  expect(median).toBeLessThanOrEqual(80);
});
