import { readFile, readdir } from "node:fs/promises";
import { basename, join } from "node:path";

import { describe, expect, test } from "vitest";

import { CONCERNS, OTHERS } from "../support/packages.ts";
import { root } from "../support/source-examples.ts";
import { sourceFiles } from "../support/source-files.ts";

const HEADINGS = [
  "Install",
  "Use",
  "What it does to a run",
  "Options",
  "State and events it adds",
  "Errors",
  "Composing",
  "Limits",
];

const folders = [...new Set(CONCERNS.map(({ folder }) => folder))];
const read = (folder: string, file: string): Promise<string> =>
  readFile(join(root, "packages", folder, file), "utf8");

test("every package is known to the tests that span packages", async () => {
  const known = [...folders, ...OTHERS].toSorted();
  expect((await readdir(join(root, "packages"))).toSorted()).toEqual(known);
});

describe.each([...folders, ...OTHERS])("packages/%s", (folder) => {
  test("its door re-exports and does nothing else", async () => {
    const door = await read(folder, "src/index.ts");
    expect(door).toMatch(/^\/\*\* [^\n]+\. \*\/\n/);
    const statements = door.replaceAll(/\/\*\*[\s\S]*?\*\//gu, "").split(";");
    const others = statements.map((one) => one.trim()).filter((one) => one !== "");
    expect(others.filter((one) => !/^export [^=(]* from "[^"]+"$/su.test(one))).toEqual([]);
  });

  test("its README has the rooms of every README", async () => {
    const readme = await read(folder, "README.md");
    const headings = [...readme.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
    const expected = HEADINGS.filter((one) => !OTHERS.includes(folder) || headings.includes(one));
    expect(headings).toEqual(expected);
    const { description } = JSON.parse(await read(folder, "package.json")) as {
      description: string;
    };
    expect(description).not.toMatch(/\.$/);
  });

  test("a file is named for its idea", async () => {
    const files = (await sourceFiles(folder)).map(({ path }) => path);
    // Steps of a schema stand in the order in which they are taken.
    const names = files
      .filter((path) => !path.includes("/migrations/0"))
      .map((path) => basename(path));
    expect(names.filter((name) => !/^[a-z][a-z0-9-]*\.m?ts$/.test(name))).toEqual([]);
    const vague = /^(utils?|helpers?|types?|common|misc|shared)\./;
    expect(names.filter((name) => vague.test(name))).toEqual([]);
  });

  test("it builds, checks and publishes as all do", async () => {
    const manifest = JSON.parse(await read(folder, "package.json")) as Record<string, unknown>;
    expect(manifest["scripts"]).toEqual({
      build: "tsc -p tsconfig.build.json",
      "pack:check": "publint --strict && attw --pack . --profile esm-only --quiet",
    });
    expect(manifest).toMatchObject({
      license: "MIT",
      type: "module",
      main: "./dist/index.js",
      types: "./dist/index.d.ts",
      engines: { node: ">=20.19" },
      repository: { directory: `packages/${folder}` },
    });
  });
});

describe.each(CONCERNS)("$name", ({ name, folder }) => {
  test("stands in the file named for it, with its contract and one example", async () => {
    const file = name.replace(/Middleware$/, "").replaceAll(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);
    const text = await read(folder, `src/${file}.ts`);
    const [, doc = ""] =
      new RegExp(`(/\\*\\*(?:(?!\\*/)[\\s\\S])*\\*/)\\nexport function ${name}\\b`).exec(text) ??
      [];
    for (const part of ["Error behavior:", "Output:", "State:", "When it fires:"]) {
      expect(doc.replaceAll(/\s+\*?\s*/gu, " "), `${file}.ts`).toContain(part);
    }
    expect(doc.match(/@example/g)).toHaveLength(1);
  });

  test("is proved by the conformance kit", async () => {
    const tests = await readdir(join(root, "packages", folder, "test"));
    const files = tests.filter((path) => path.endsWith("conformance.test.ts"));
    const texts = await Promise.all(files.map((path) => read(folder, `test/${path}`)));
    expect(texts.filter((text) => text.includes(`name: "${name}"`))).toHaveLength(1);
  });
});
