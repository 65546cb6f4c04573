import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

import { CrashError } from "./crash-error.ts";

/** Export condition under which the packages of this repository resolve to their sources. */
export const SOURCE_CONDITION = "@evenkeel/source";

/** True when this package itself runs from its TypeScript sources, and its children must as well. */
export const runsFromSource: boolean = import.meta.url.endsWith(".ts");

/** The module loaded before the script in every child. */
export const bootstrap: string = fileURLToPath(
  new URL(runsFromSource ? "./crash-child.ts" : "./crash-child.js", import.meta.url),
);

/** Finds tsx, which runs TypeScript: beside the script first, then beside this package. */
export function tsxFor(script: string): string {
  for (const from of [script, import.meta.url]) {
    try {
      return createRequire(from).resolve("tsx");
    } catch {
      // Not there.
    }
  }
  throw new CrashError({
    code: "tsx-missing",
    message: `${script} needs tsx to run: npm install --save-dev tsx, or name a JavaScript file.`,
  });
}
