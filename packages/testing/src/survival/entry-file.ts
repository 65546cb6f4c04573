import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { extname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { runsFromSource } from "../crash/script-loader.ts";
import { SurvivalError } from "./survival-error.ts";

/** A script that runs the graph of a user's module, and what to remove afterwards. */
export interface EntryFile {
  readonly script: string;
  readonly exportName: string | undefined;
  /** The module as it was named, for messages. */
  readonly title: string;
  readonly dispose: () => Promise<void>;
}

const program = fileURLToPath(
  new URL(`./survival-program.${runsFromSource ? "ts" : "js"}`, import.meta.url),
);

/** Writes the script that a child of `expectSurvives()` runs: the user's module and our program. */
export async function entryFile(module: string | URL, bundle: boolean): Promise<EntryFile> {
  const { path, exportName } = located(module);
  const folder = await mkdtemp(join(tmpdir(), "evenkeel-survival-"));
  // The extension tells which loader Node needs.
  const script = join(folder, isJavaScript(path) && !runsFromSource ? "entry.mjs" : "entry.mts");
  // A bundler takes paths, Node takes URLs on every system.
  const name = (file: string): string => JSON.stringify(bundle ? file : pathToFileURL(file).href);
  await writeFile(
    script,
    `import * as graphModule from ${name(path)};
import { runSurvivalJob } from ${name(program)};
await runSurvivalJob(graphModule);
`,
  );
  return {
    script,
    exportName,
    title: relative(process.cwd(), path),
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}

function located(module: string | URL): { path: string; exportName: string | undefined } {
  if (typeof module !== "string" && !(module instanceof URL)) {
    throw new SurvivalError({
      code: "invalid-option",
      message:
        'expectSurvives takes the file that makes the graph, as "./agent.ts:agent" or a file URL: a graph that lives in this process would die with it.',
    });
  }
  const text = module instanceof URL ? module.href : module;
  // What follows the last colon, unless that is a drive's or a protocol's.
  const [, file = text, exportName] = /^(.+\.\w+):([\w$]+)$/u.exec(text) ?? [];
  const path = file.startsWith("file:") ? fileURLToPath(file) : resolve(file);
  if (!existsSync(path)) {
    throw new SurvivalError({ code: "graph-not-found", message: `There is no module ${path}.` });
  }
  return { path, exportName };
}

function isJavaScript(path: string): boolean {
  return [".js", ".mjs", ".cjs"].includes(extname(path));
}
