import { access, readFile, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";

import { beforeAll, describe, expect, test } from "vitest";

import { commandsOf, optionsOf } from "../support/documented-commands.ts";
import type { DocumentedCommand } from "../support/documented-commands.ts";
import { CONCERNS } from "../support/packages.ts";
import { pages } from "../support/pages.ts";
import type { Page } from "../support/pages.ts";
import { root } from "../support/source-examples.ts";
import { sourceFiles } from "../support/source-files.ts";

interface Manifest {
  readonly name: string;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const FLAGS_PROGRAM = "packages/run-flags/src/cli/command-line.ts";
const NPM_ITSELF = ["install", "start", "test"];

const manifestOf = async (folder: string): Promise<Manifest> =>
  JSON.parse(await readFile(join(root, folder, "package.json"), "utf8")) as Manifest;
const long = (words: readonly string[]): string[] =>
  words.filter((word) => word.startsWith("--") && word !== "--").map((word) => word.slice(2));

let all: Page[];
let commands: DocumentedCommand[];
let packages: Manifest[];
beforeAll(async () => {
  all = await pages();
  commands = all.flatMap(commandsOf);
  const folders = await readdir(join(root, "packages"));
  packages = await Promise.all(folders.map((folder) => manifestOf(join("packages", folder))));
});

/** What is wrong with a command; nothing where it does what the page says. */
async function faultsOf({ file, words }: DocumentedCommand): Promise<string[]> {
  const [program, ...rest] = words;
  if (program === "npm" && rest[0] === "install") return unknownPackages(rest.slice(1));
  if (program === "npm") return scriptFaults(file, rest);
  const [name = "", ...values] = program === "npx" ? rest : words;
  if (name === "evenkeel-flags") return flagsFaults(values);
  if (name === "vitest") return missingPaths(values.slice(1));
  return ["nobody here knows how to check it"];
}

async function scriptFaults(file: string, words: readonly string[]): Promise<string[]> {
  const [first = "", second = ""] = words;
  const name = first === "run" ? second : first;
  if (first !== "run" && !NPM_ITSELF.includes(first)) return [`npm has no "${first}" of ours`];
  // An example is a project of its own; all other pages speak of the root.
  const manifest = await manifestOf(file.startsWith("examples/") ? dirname(file) : ".");
  const script = manifest.scripts?.[name];
  if (script === undefined) return [`${manifest.name} has no script "${name}"`];
  const after = words.slice(first === "run" ? 2 : 1);
  if (after.length === 0) return [];
  if (after[0] !== "--") return [`what npm would take for its own: ${after.join(" ")}`];
  const program = /(\S+\.ts)$/.exec(script)?.[1];
  if (program === undefined) return missingPaths(after.slice(1));
  const known = await optionsOf(program);
  return long(after)
    .filter((option) => !known.has(option))
    .map((option) => `${program} knows no --${option}`);
}

async function flagsFaults([name = "", ...values]: readonly string[]): Promise<string[]> {
  const text = await readFile(join(root, FLAGS_PROGRAM), "utf8");
  const [, list] = new RegExp(`^  ${name}: \\[(.*)\\],$`, "m").exec(text) ?? [];
  if (list === undefined) return [`evenkeel-flags has no "${name}"`];
  return long(values)
    .filter((option) => !list.includes(`"${option}"`))
    .map((option) => `evenkeel-flags ${name} knows no --${option}`);
}

function unknownPackages(words: readonly string[]): string[] {
  const known = new Set(
    packages.flatMap((one) => [
      one.name,
      ...Object.keys({ ...one.dependencies, ...one.peerDependencies, ...one.devDependencies }),
    ]),
  );
  return words
    .filter((word) => !word.startsWith("-") && !known.has(word))
    .map((word) => `no package here has to do with ${word}`);
}

async function missingPaths(words: readonly string[]): Promise<string[]> {
  const paths = words.filter((word) => !word.startsWith("-"));
  const faults = paths.map((path) =>
    access(join(root, path)).then(
      () => [],
      () => [`there is no ${path}`],
    ),
  );
  return (await Promise.all(faults)).flat();
}

describe("what a page tells its reader to type", () => {
  test("is there: the script, the program, its options, the package", async () => {
    expect(commands.length).toBeGreaterThan(60);
    const faults = await Promise.all(
      commands.map(async (command) =>
        (await faultsOf(command)).map(
          (fault) => `${command.file}: ${command.words.join(" ")}: ${fault}`,
        ),
      ),
    );
    expect(faults.flat()).toEqual([]);
  });

  test("is all there is: every bench and every long test is on a page", async () => {
    const { scripts = {} } = await manifestOf(".");
    const named = new Set(commands.flatMap(({ words }) => words));
    const ours = Object.keys(scripts).filter((name) => /^(bench|test):/.test(name));
    expect(ours.filter((name) => !named.has(name))).toEqual([]);
  });

  test("on a line of its own, an option is one that a program of the repository has", async () => {
    const { scripts = {} } = await manifestOf(".");
    const programs = Object.values(scripts).flatMap((script) => /\S+\.ts$/.exec(script) ?? []);
    const known = new Set(
      (await Promise.all([...programs, FLAGS_PROGRAM].map(optionsOf))).flatMap((set) => [...set]),
    );
    const alone = all.flatMap(({ file, text }) =>
      [...text.matchAll(/`(?:-- )?--([a-z-]+)[^`]*`/g)].map(([, name = ""]) => ({ file, name })),
    );
    expect(alone.length).toBeGreaterThan(5);
    expect(alone.filter(({ name }) => !known.has(name))).toEqual([]);
  });

  test("into the environment names what is read there, and middleware that exists", async () => {
    const files = await Promise.all(
      packages.map(({ name }) => sourceFiles(name.replace("@evenkeel/", ""))),
    );
    const sources = files.flat().map(({ text }) => text);
    const ours = all.flatMap(({ text }) => text.match(/\bEVENKEEL_[A-Z_]+/g) ?? []);
    expect(ours.length).toBeGreaterThan(5);
    for (const name of new Set(ours)) {
      expect(
        sources.some((source) => source.includes(`"${name}"`)),
        name,
      ).toBe(true);
    }
    const factories = CONCERNS.map(({ name }) => name);
    // Of the example that writes one.
    const known = new Set([...factories, "refundLimitMiddleware"]);
    const switched = all.flatMap(({ text }) =>
      [...text.matchAll(/EVENKEEL_MODE="([^"]+)"/g)].flatMap(([, list = ""]) => list.split(",")),
    );
    expect(switched.length).toBeGreaterThan(3);
    for (const one of switched) {
      const [name = "", mode] = one.split("=");
      expect(name === "*" || known.has(name), one).toBe(true);
      expect(["enforce", "observe", "off"]).toContain(mode);
    }
  });
});
