import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { fencedBlocks } from "./fenced-blocks.ts";

/** The folder of all examples. */
export const examplesFolder: string = fileURLToPath(new URL("../../examples", import.meta.url));

/** The first fenced block without a language in an example's README: what it prints. */
export async function transcriptOf(example: string): Promise<string> {
  const readme = await readFile(join(examplesFolder, example, "README.md"), "utf8");
  const transcript = fencedBlocks(readme).find(({ language }) => language === "");
  if (transcript === undefined) throw new Error(`${example}/README.md shows no transcript.`);
  return normalized(transcript.code);
}

/** Output without what differs between any two runs: times, large figures in a table, generated ids. */
export function normalized(output: string): string {
  return (
    output
      .replaceAll(/\b\d+(\.\d+)? ?(ms|s)\b/gu, "<time>")
      // In a table, and at the head of a line, they also move what stands beside them.
      .replaceAll(/^ +<time>/gmu, "<time>")
      .replaceAll(/│ (<time>|\d{3}|\d{1,3}(,\d{3})+) +(?=│)/gu, "│ <figure> ")
      .replaceAll(/\bres_\w+/gu, "res_<id>")
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gu, "<id>")
      .split("\n")
      .map((line) => line.trimEnd())
      .join("\n")
      .trim()
  );
}

/** The TypeScript files of an example, by their path in it. */
export async function sourcesOf(example: string): Promise<Map<string, string>> {
  const folder = join(examplesFolder, example);
  const paths = await readdir(join(folder, "src"), { recursive: true });
  const files = paths.filter((path) => path.endsWith(".ts"));
  const read = files.map(async (path): Promise<[string, string]> => [
    `src/${path}`,
    await readFile(join(folder, "src", path), "utf8"),
  ]);
  return new Map(await Promise.all(read));
}
