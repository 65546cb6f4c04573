import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

import { packTarballs, quietEnvironment } from "./tarballs.ts";

const execute = promisify(execFile);

/** An empty project into which the packages were installed as tarballs, with plain npm. */
export interface PackedProject {
  readonly folder: string;
  /** Runs a program in the project; rejects with its output where it fails. */
  run(file: string, ...values: string[]): Promise<string>;
  write(path: string, content: string): Promise<void>;
  remove(): Promise<void>;
}

/** What the project depends on beside our packages. */
export interface PackedProjectOptions {
  /** Folder names under packages/. */
  readonly packages: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  /** Flags for `npm install`. */
  readonly flags?: readonly string[];
}

/** Packs built packages as npm would publish them and installs them into an empty project. */
export async function packedProject(options: PackedProjectOptions): Promise<PackedProject> {
  const folder = await mkdtemp(join(tmpdir(), "evenkeel-packed-"));
  const tarballs = await packTarballs(options.packages, folder);
  const manifest = {
    name: "empty-project",
    private: true,
    type: "module",
    dependencies: { ...tarballs, ...options.dependencies },
    // What one of ours asks for is the same tarball.
    overrides: tarballs,
  };
  await writeFile(join(folder, "package.json"), JSON.stringify(manifest, null, 2));
  const project: PackedProject = {
    folder,
    run: async (file, ...values) => {
      const { stdout } = await execute(file, values, {
        cwd: folder,
        env: quietEnvironment(),
        maxBuffer: 64 * 1024 * 1024,
      }).catch((error: Error & { stdout?: string; stderr?: string }) => {
        throw new Error(`${file} ${values.join(" ")}\n${error.stdout ?? ""}${error.stderr ?? ""}`);
      });
      return stdout;
    },
    write: async (path, content) => {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
  await project.run("npm", "install", "--no-audit", "--no-fund", ...(options.flags ?? []));
  return project;
}
