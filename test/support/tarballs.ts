import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

import { root } from "./source-examples.ts";

/** Packs built packages into a folder as npm would publish them; gives what a manifest names them by. */
export async function packTarballs(
  folders: readonly string[],
  into: string,
): Promise<Record<string, string>> {
  const tarballs: Record<string, string> = {};
  for (const folder of folders) {
    const { stdout } = await promisify(execFile)(
      "npm",
      ["pack", "--json", "--pack-destination", into],
      { cwd: join(root, "packages", folder), env: quietEnvironment() },
    );
    const [packed] = JSON.parse(stdout) as { filename: string; name: string }[];
    if (packed === undefined) throw new Error(`npm pack of ${folder} said nothing.`);
    const file = packed.filename.replace("@", "").replace("/", "-");
    tarballs[packed.name] = `file:${join(into, file)}`;
  }
  return tarballs;
}

/** The environment without what npm and vitest set for the process that runs the tests. */
export function quietEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([key]) =>
        !/^npm_(?!config_registry)/.test(key) && key !== "NODE_OPTIONS" && key !== "VITEST",
    ),
  );
}
