import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const execute = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));

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
  const tarballs: Record<string, string> = {};
  for (const name of options.packages) {
    const { stdout } = await execute("npm", ["pack", "--json", "--pack-destination", folder], {
      cwd: join(root, "packages", name),
      env: quietEnvironment(),
    });
    const [packed] = JSON.parse(stdout) as { filename: string; name: string }[];
    if (packed === undefined) throw new Error(`npm pack of ${name} said nothing.`);
    tarballs[packed.name] = `file:./${packed.filename.replace("@", "").replace("/", "-")}`;
  }
  const { overrides } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as {
    overrides: Record<string, string>;
  };
  const manifest = {
    name: "empty-project",
    private: true,
    type: "module",
    dependencies: { ...tarballs, ...options.dependencies },
    overrides: { ...overrides, ...tarballs },
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

/** The environment without what npm and vitest set for the process that runs the tests. */
export function quietEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([key]) =>
        !/^npm_(?!config_registry)/.test(key) && key !== "NODE_OPTIONS" && key !== "VITEST",
    ),
  );
}
