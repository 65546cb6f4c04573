import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { examplesFolder, sourcesOf } from "../support/example.ts";
import { fencedBlocks } from "../support/fenced-blocks.ts";

const examples = await readdir(examplesFolder);

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const read = (example: string, file: string): Promise<string> =>
  readFile(join(examplesFolder, example, file), "utf8");
const IMPORT = /^(?:import|export)\b[^;]*?from "([^"]+)"|^import "([^"]+)"/gmu;

describe.each(examples)("%s is copyable alone", (example) => {
  test("it declares what it imports, in versions that any registry knows", async () => {
    const manifest = JSON.parse(await read(example, "package.json")) as Manifest;
    const declared = { ...manifest.dependencies, ...manifest.devDependencies };
    for (const [name, range] of Object.entries(declared)) {
      expect(range, name).toMatch(/^\^?\d+\.\d+\.\d+(-[\w.]+)?$/);
    }
    const sources = await sourcesOf(example);
    const imported = [...sources.values()]
      .flatMap((text) => [...text.matchAll(IMPORT)])
      .map(([, from, bare]) => from ?? bare ?? "");
    const packages = imported.filter((name) => !/^(\.\/|node:)/.test(name));
    expect(packages.filter((name) => name.startsWith("."))).toEqual([]);
    const undeclared = packages.filter((name) => !(packageOf(name) in declared));
    expect(undeclared).toEqual([]);
    const { start = "" } = manifest.scripts;
    const [program = ""] = start.split(" ");
    expect(Object.keys(declared)).toContain(program);
  });

  test("its settings for the compiler are its own", async () => {
    const settings = JSON.parse(await read(example, "tsconfig.json")) as { extends?: string };
    expect(settings.extends).toBeUndefined();
  });

  test("it answers offline: without a key a model on this machine is called", async () => {
    const sources = [...(await sourcesOf(example)).values()].join("\n");
    expect(sources).toContain('process.env["OPENAI_API_KEY"]');
    expect(sources).toMatch(/startOpenAIEndpoint|scriptedModel/);
  });
});

describe("existing-graph", () => {
  test("the lines its README adds and keeps stand in the file, the ones it takes away do not", async () => {
    const readme = await read("existing-graph", "README.md");
    const sources = await sourcesOf("existing-graph");
    const blocks = fencedBlocks(readme).filter(({ language }) => language === "diff");
    expect(blocks).toHaveLength(4);
    for (const { code, before } of blocks) {
      const file = /`(src\/[\w-]+\.ts)`/.exec(before)?.[1] ?? "";
      const lines = code.split("\n");
      const after = lines.filter((line) => !line.startsWith("-")).map((line) => line.slice(1));
      expect(sources.get(file), file).toContain(after.join("\n"));
      const added = lines.filter((line) => line.startsWith("+"));
      expect(added.length, file).toBeLessThanOrEqual(2);
    }
  });
});

describe("your-own-middleware", () => {
  test("is shorter than 60 lines, and its README says how long it is", async () => {
    const sources = await sourcesOf("your-own-middleware");
    const lines = [...sources.values()].flatMap((text) => text.trimEnd().split("\n")).length;
    expect(lines).toBeLessThan(60);
    expect(await read("your-own-middleware", "README.md")).toContain(`${lines} lines in two files`);
  });
});

function packageOf(specifier: string): string {
  const parts = specifier.split("/");
  return parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}
