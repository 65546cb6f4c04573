import { readFileSync } from "node:fs";
import { cpus } from "node:os";

/** What the figures were measured on. */
export interface BenchEnvironment {
  readonly node: string;
  readonly processor: string;
  readonly database: string;
  /** Whether the packages were measured as they ship or as TypeScript, which costs a little more. */
  readonly evenkeel: "built" | "from source";
  readonly packages: Readonly<Record<string, string>>;
}

const PACKAGES = [
  "@langchain/langgraph",
  "@langchain/core",
  "@langchain/langgraph-checkpoint-postgres",
  "langchain",
  "deepagents",
];

/** Describes machine and versions, as figures mean nothing without them. */
export function benchEnvironment(database: string): BenchEnvironment {
  const [processor] = cpus();
  return {
    node: process.version,
    processor: `${cpus().length} x ${processor?.model ?? "unknown"}`,
    database,
    evenkeel: import.meta.resolve("@evenkeel/core").endsWith(".ts") ? "from source" : "built",
    packages: Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)])),
  };
}

function versionOf(name: string): string {
  // Read from disk: not every package exports its package.json.
  const folder = import.meta.resolve(name).split(`/node_modules/${name}/`)[0] ?? "";
  const file = new URL(`${folder}/node_modules/${name}/package.json`);
  const { version } = JSON.parse(readFileSync(file, "utf8")) as { version: string };
  return version;
}
