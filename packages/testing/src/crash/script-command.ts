import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { CrashError } from "./crash-error.ts";
import { bundleScript } from "./script-bundle.ts";
import { bootstrap, runsFromSource, SOURCE_CONDITION, tsxFor } from "./script-loader.ts";

/** How `node` runs a script as a child of `crash()`. */
export interface ScriptCommand {
  /** Arguments of `node`, the script last. */
  readonly nodeArguments: readonly string[];
  /** Removes what was written for this one child. */
  readonly dispose: () => void;
}

/** Finds out how to run a script, JavaScript or TypeScript, with `crash-child` loaded before it. */
export async function scriptCommand(script: string | URL, bundle: boolean): Promise<ScriptCommand> {
  const path = script instanceof URL ? fileURLToPath(script) : resolve(script);
  if (!existsSync(path)) {
    throw new CrashError({ code: "script-not-found", message: `There is no script ${path}.` });
  }
  if (bundle) return bundledCommand(path);

  const loaders: string[] = [];
  if (runsFromSource) loaders.push(`--conditions=${SOURCE_CONDITION}`);
  if (runsFromSource || isTypeScript(path)) {
    loaders.push("--import", pathToFileURL(tsxFor(path)).href);
  }
  loaders.push("--import", pathToFileURL(bootstrap).href);
  return { nodeArguments: [...loaders, path], dispose: () => {} };
}

async function bundledCommand(script: string): Promise<ScriptCommand> {
  const bundled = await bundleScript(script);
  // Written for each child anew: workers of test runners end without notice, and a file kept for
  // later children would stay for good.
  const folder = mkdtempSync(join(tmpdir(), "evenkeel-bundle-"));
  const [entry, loader] = [join(folder, "script.mjs"), join(folder, "bootstrap.mjs")];
  writeFileSync(entry, bundled.script);
  writeFileSync(loader, bundled.bootstrap);
  return {
    nodeArguments: ["--import", pathToFileURL(loader).href, entry],
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function isTypeScript(path: string): boolean {
  return [".ts", ".mts", ".cts", ".tsx"].includes(extname(path));
}
