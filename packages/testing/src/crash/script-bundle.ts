import { createRequire } from "node:module";
import { basename, dirname } from "node:path";
import { pathToFileURL } from "node:url";

import { CrashError } from "./crash-error.ts";
import { bootstrap, runsFromSource, SOURCE_CONDITION, tsxFor } from "./script-loader.ts";

/** A script with all it imports in one file, and the module loaded before it in another. */
export interface ScriptBundle {
  readonly script: Uint8Array;
  readonly bootstrap: Uint8Array;
}

const bundles = new Map<string, Promise<ScriptBundle>>();

/** Bundles a script, once in this process. */
export function bundleScript(script: string): Promise<ScriptBundle> {
  const known = bundles.get(script);
  if (known !== undefined) return known;
  const building = build(script);
  bundles.set(script, building);
  building.catch(() => bundles.delete(script));
  return building;
}

/** The part of esbuild's interface that is used; esbuild comes with tsx. */
interface Esbuild {
  build(options: Readonly<Record<string, unknown>>): Promise<{
    outputFiles: readonly { path: string; contents: Uint8Array }[];
  }>;
}

async function build(script: string): Promise<ScriptBundle> {
  const esbuild = createRequire(tsxFor(script)).resolve("esbuild");
  const bundler: Esbuild = await import(pathToFileURL(esbuild).href);
  try {
    const { outputFiles } = await bundler.build({
      // As entries, not as imports: a package may say that its files have no effect when imported.
      entryPoints: [
        { in: script, out: "script" },
        { in: bootstrap, out: "bootstrap" },
      ],
      outdir: dirname(script),
      write: false,
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node20",
      keepNames: true,
      conditions: runsFromSource ? [SOURCE_CONDITION] : [],
      external: ["pg-native"],
      // CommonJS dependencies inside the bundle call require() for Node's own modules.
      banner: {
        js: 'import { createRequire as createRequireForBundle } from "node:module"; const require = createRequireForBundle(import.meta.url);',
      },
      logLevel: "silent",
    });
    const contentsOf = (name: string): Uint8Array => {
      const file = outputFiles.find(({ path }) => basename(path) === name);
      if (file === undefined) throw new Error(`there is no ${name} in the output`);
      return file.contents;
    };
    return { script: contentsOf("script.js"), bootstrap: contentsOf("bootstrap.js") };
  } catch (error) {
    throw new CrashError({
      code: "bundle-failed",
      message: `${script} could not be bundled: ${String(error)}. Run it with \`bundle: false\`.`,
      cause: error,
    });
  }
}
