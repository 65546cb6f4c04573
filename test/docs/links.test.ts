import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

import { expect, test } from "vitest";

import { pages } from "../support/pages.ts";
import type { Page } from "../support/pages.ts";
import { root } from "../support/source-examples.ts";

const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g;

/** A heading's name in an address, as GitHub gives it. */
const anchorsOf = (text: string): string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );

async function isBroken({ file, text }: Page, target: string): Promise<boolean> {
  if (/^[a-z]+:/.test(target)) return false;
  const [path = "", anchor] = target.split("#");
  const to = join(root, path === "" ? file : join(dirname(file), path));
  const found = await stat(to).catch(() => undefined);
  if (found === undefined) return true;
  if (anchor === undefined) return false;
  return !anchorsOf(path === "" ? text : await readFile(to, "utf8")).includes(anchor);
}

test("every link between pages and files leads somewhere", async () => {
  const all = await pages();
  const links = all.flatMap((page) =>
    [...page.text.matchAll(LINK)].map(([, target = ""]) => ({ page, target })),
  );
  expect(links.length).toBeGreaterThan(40);
  const checked = await Promise.all(
    links.map(async ({ page, target }) =>
      (await isBroken(page, target)) ? [`${page.file}: ${target}`] : [],
    ),
  );
  expect(checked.flat()).toEqual([]);
});

test("every page under docs is reached from its index", async () => {
  const all = await pages();
  const index = all.find(({ file }) => file === "docs/README.md")?.text ?? "";
  const others = all
    .map(({ file }) => file)
    .filter((file) => file.startsWith("docs/") && !file.startsWith("docs/decisions/"))
    .map((file) => file.slice("docs/".length))
    .filter((file) => file !== "README.md");
  expect(others.filter((file) => !index.includes(`(${file})`))).toEqual([]);
});
