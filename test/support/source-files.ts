import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

import { root } from "./source-examples.ts";

/** One source file of a package. */
export interface SourceFile {
  /** Its path in the package, such as `src/index.ts`. */
  readonly path: string;
  readonly text: string;
}

/** The source files of a package. */
export async function sourceFiles(packageFolder: string): Promise<SourceFile[]> {
  const folder = join(root, "packages", packageFolder);
  const paths = await readdir(join(folder, "src"), { recursive: true });
  return Promise.all(
    paths
      .filter((path) => /\.m?ts$/.test(path))
      .map(async (path) => ({
        path: `src/${path}`,
        text: await readFile(join(folder, "src", path), "utf8"),
      })),
  );
}

const IMPORT = /(?:^(?:import|export)\b[^;]*?\bfrom|^import|\bimport\()\s*"([^"]+)"/gmu;

/** What a file imports, types included. */
export function importsOf({ text }: SourceFile): string[] {
  return [...text.matchAll(IMPORT)].map(([, from = ""]) => from);
}
