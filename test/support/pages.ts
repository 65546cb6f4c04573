import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { root } from "./source-examples.ts";

/** A Markdown page of the repository. */
export interface Page {
  /** Its path from the root. */
  readonly file: string;
  readonly text: string;
}

/** Every page a reader meets: at the root, under docs, of packages and of examples. */
export async function pages(): Promise<Page[]> {
  const files = [
    ...(await list(".", false)),
    ...(await list("docs", true)),
    ...(await readmes("packages")),
    ...(await readmes("examples")),
  ];
  return Promise.all(
    files.map(async (file) => ({ file, text: await readFile(join(root, file), "utf8") })),
  );
}

async function list(folder: string, recursive: boolean): Promise<string[]> {
  const paths = await readdir(join(root, folder), { recursive });
  return paths.filter((path) => path.endsWith(".md")).map((path) => join(folder, path));
}

async function readmes(folder: string): Promise<string[]> {
  const names = await readdir(join(root, folder));
  const found = await Promise.all(
    names.map(async (name) => {
      const paths = await readdir(join(root, folder, name));
      return paths.filter((path) => path === "README.md").map((path) => join(folder, name, path));
    }),
  );
  return found.flat();
}
