import { execFile } from "node:child_process";
import { cp, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";

import { examplesFolder } from "./example.ts";
import { quietEnvironment } from "./tarballs.ts";

const NOT_COPIED = ["node_modules", "dist"];

/** Copies an example alone into a folder, and gives where it is; tarballs stand in for what a registry has of ours. */
export async function copyStarter(
  example: string,
  into: string,
  tarballs: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = join(into, example);
  await cp(join(examplesFolder, example), folder, {
    recursive: true,
    filter: (path) => !NOT_COPIED.includes(basename(path)),
  });
  const file = join(folder, "package.json");
  const manifest = JSON.parse(await readFile(file, "utf8")) as {
    dependencies: Record<string, string>;
  };
  const ours = Object.keys(manifest.dependencies).filter((name) => name in tarballs);
  const dependencies = {
    ...manifest.dependencies,
    ...Object.fromEntries(ours.map((name) => [name, tarballs[name]])),
  };
  await writeFile(file, JSON.stringify({ ...manifest, dependencies, overrides: tarballs }));
  return folder;
}

/** Runs npm in a folder, without a key for a model or for LangSmith; rejects with its output where it fails. */
export async function npm(folder: string, ...values: string[]): Promise<string> {
  const { OPENAI_API_KEY: _model, LANGSMITH_API_KEY: _traces, ...env } = quietEnvironment();
  const options = { cwd: folder, env, maxBuffer: 64 * 1024 * 1024 };
  const { stdout } = await promisify(execFile)("npm", values, options).catch(
    (error: Error & { stdout?: string; stderr?: string }) => {
      const said = `${error.stdout ?? ""}${error.stderr ?? ""}`;
      throw new Error(`npm ${values.join(" ")} in ${folder}\n${said}`);
    },
  );
  return stdout;
}
