import { createRequire } from "node:module";

const PACKAGES = ["@langchain/langgraph", "@langchain/core", "langchain", "@evenkeel/core"];
let versions: Record<string, string> | undefined;

/** Versions of the packages that decide how a run behaves, as far as they are installed. */
export function packageVersions(): Readonly<Record<string, string>> {
  if (versions !== undefined) return versions;
  const require = createRequire(import.meta.url);
  versions = {};
  for (const name of PACKAGES) {
    try {
      versions[name] = (require(`${name}/package.json`) as { version: string }).version;
    } catch {
      // Not installed, or it keeps its package.json to itself.
    }
  }
  return versions;
}
