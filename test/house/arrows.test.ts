import { readFile } from "node:fs/promises";
import { join, normalize, dirname } from "node:path";

import { describe, expect, test } from "vitest";

import { CONCERNS, OTHERS } from "../support/packages.ts";
import { root } from "../support/source-examples.ts";
import { importsOf, sourceFiles } from "../support/source-files.ts";

/** Which packages of ours a package may import; a concern imports core alone. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  postgres: ["@evenkeel/core"],
  testing: ["@evenkeel/core"],
  evenkeel: ["@evenkeel/core", ...CONCERNS.map(({ folder }) => `@evenkeel/${folder}`)],
};
/** A command line has to open the store its user names; the middleware beside it does not. */
const COMMAND_LINES: Readonly<Record<string, readonly string[]>> = {
  "run-flags": ["@evenkeel/postgres"],
};
const folders = [...new Set(CONCERNS.map(({ folder }) => folder)), ...OTHERS];

const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

describe.each(folders)("packages/%s", (folder) => {
  const allowed = ARROWS[folder] ?? ["@evenkeel/core"];
  const byCommandLine = COMMAND_LINES[folder] ?? [];

  test("imports no package it must not know", async () => {
    const files = await sourceFiles(folder);
    const strange = files.flatMap((file) =>
      importsOf(file)
        .map(packageOf)
        .filter((name) => name === "evenkeel" || name.startsWith("@evenkeel/"))
        .filter((name) => !allowed.includes(name))
        .filter((name) => !(file.path.startsWith("src/cli/") && byCommandLine.includes(name)))
        .map((name) => `${file.path} imports ${name}`),
    );
    expect(strange).toEqual([]);
  });

  test("depends on none either", async () => {
    const text = await readFile(join(root, "packages", folder, "package.json"), "utf8");
    const { dependencies = {}, peerDependencies = {} } = JSON.parse(text) as Manifest;
    const names = Object.keys({ ...dependencies, ...peerDependencies });
    const ours = names.filter((name) => name === "evenkeel" || name.startsWith("@evenkeel/"));
    const known = [...allowed, ...byCommandLine];
    expect(ours.filter((name) => !known.includes(name))).toEqual([]);
  });

  test("declares what it imports, and reaches into no other folder", async () => {
    const text = await readFile(join(root, "packages", folder, "package.json"), "utf8");
    const { dependencies = {}, peerDependencies = {} } = JSON.parse(text) as Manifest;
    const declared = new Set(Object.keys({ ...dependencies, ...peerDependencies }));
    const strange = (await sourceFiles(folder)).flatMap((file) =>
      importsOf(file)
        .filter((name) => {
          if (name.startsWith("node:")) return false;
          if (name.startsWith("."))
            return !normalize(join(dirname(file.path), name)).startsWith("src/");
          return !declared.has(packageOf(name));
        })
        .map((name) => `${file.path} imports ${name}`),
    );
    expect(strange).toEqual([]);
  });
});
