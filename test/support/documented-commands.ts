import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { fencedBlocks } from "./fenced-blocks.ts";
import type { Page } from "./pages.ts";
import { root } from "./source-examples.ts";

/** A command a page tells its reader to type. */
export interface DocumentedCommand {
  readonly file: string;
  readonly words: readonly string[];
}

const SHELLS = ["sh", "bash", "console", "shell"];
const ASSIGNMENT = /^[A-Z_]+=/;

/** The commands of a page: lines of its shell blocks, and code in its prose that begins as one does. */
export function commandsOf({ file, text }: Page): DocumentedCommand[] {
  const blocks = fencedBlocks(text).filter(({ language }) => SHELLS.includes(language));
  const typed = blocks.flatMap(({ code }) => code.split("\n"));
  const prose = text.replaceAll(/^```[\s\S]*?^```/gmu, "");
  const quoted = [...prose.matchAll(/`((?:npm|npx|evenkeel-flags) [^`]*)`/g)];
  return [...typed, ...quoted.map(([, code = ""]) => code)]
    .flatMap((line) => line.replace(/#.*$/, "").split("&&"))
    .map((line) => line.split(/\s+/).filter((word) => word !== "" && !ASSIGNMENT.test(word)))
    .filter((words) => words.length > 0)
    .map((words) => ({ file, words }));
}

/** The names of the long options a program reads by `parseArgs`, in its file or one that it imports. */
export async function optionsOf(program: string): Promise<ReadonlySet<string>> {
  const text = await readFile(join(root, program), "utf8");
  const beside = [...text.matchAll(/from "(\.[^"]+)"/g)].map(([, path = ""]) =>
    readFile(join(root, dirname(program), path), "utf8"),
  );
  const names = [text, ...(await Promise.all(beside))]
    .filter((source) => source.includes("parseArgs"))
    .flatMap((source) => [...source.matchAll(/"?([a-z-]+)"?: \{ type: "(?:string|boolean)"/g)]);
  return new Set(names.map(([, name = ""]) => name));
}
