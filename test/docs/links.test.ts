import { access } from "node:fs/promises";
import { dirname, join } from "node:path";

import { expect, test } from "vitest";

import { pages } from "../support/pages.ts";
import type { Page } from "../support/pages.ts";
import { root } from "../support/source-examples.ts";

const LINK = /(?<!!)\[[^\]]*\]\(([^)\s]+)\)/g;

async function isBroken({ file }: Page, target: string): Promise<boolean> {
  const [path = ""] = target.split("#");
  if (path === "" || /^[a-z]+:/.test(path)) return false;
  return access(join(root, dirname(file), path)).then(
    () => false,
    () => true,
  );
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
