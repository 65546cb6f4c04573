import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A piece of TypeScript that a reader may copy, and where it stands. */
export interface CodeBlock {
  readonly file: string;
  readonly line: number;
  readonly code: string;
}

/** The repository's root. */
export const root: string = fileURLToPath(new URL("../..", import.meta.url));

/** The `@example` blocks of a package's sources. */
export async function sourceExamples(packageFolder: string): Promise<CodeBlock[]> {
  const folder = join("packages", packageFolder, "src");
  const paths = await readdir(join(root, folder), { recursive: true });
  const files = paths.filter((path) => path.endsWith(".ts")).map((path) => join(folder, path));
  const blocks = await Promise.all(files.map(examplesOf));
  return blocks.flat();
}

const EXAMPLE = /^ \* @example\n \* ```ts\n((?: \*.*\n)*?) \* ```/gmu;

async function examplesOf(file: string): Promise<CodeBlock[]> {
  const text = await readFile(join(root, file), "utf8");
  return [...text.matchAll(EXAMPLE)].map((match) => ({
    file,
    line: text.slice(0, match.index).split("\n").length + 2,
    code: (match[1] ?? "").replaceAll(/^ \* ?/gmu, ""),
  }));
}
