import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { fencedBlocks } from "../support/fenced-blocks.ts";
import { pages } from "../support/pages.ts";
import { root, sourceExamples } from "../support/source-examples.ts";
import type { CodeBlock } from "../support/source-examples.ts";

let folder: string;
let errors: readonly string[];
let blocks: CodeBlock[];

beforeAll(async () => {
  // A folder that begins with a dot is in no other program of the compiler.
  folder = await mkdtemp(join(root, "test/docs/.blocks-"));
  blocks = [...(await pageBlocks()), ...(await packageExamples())];
  await Promise.all(
    blocks.map(({ code }, index) =>
      writeFile(join(folder, `${index}.ts`), `${code}\nexport {};\n`),
    ),
  );
  await writeFile(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: "../../../tsconfig.json",
      // As a reader has it: strict, and no more than that.
      compilerOptions: {
        exactOptionalPropertyTypes: false,
        noUncheckedIndexedAccess: false,
        noPropertyAccessFromIndexSignature: false,
        verbatimModuleSyntax: false,
      },
      include: ["../prelude.ts", "*.ts"],
    }),
  );
  errors = await compile();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("every code block compiles", () => {
  test("those of the pages, and the examples in the sources", () => {
    expect(errors).toEqual([]);
  });

  test("none was overlooked", async () => {
    const pages = new Set(blocks.map(({ file }) => file));
    expect(pages).toContain("README.md");
    expect(pages).toContain("docs/tracing.md");
    expect(pages).toContain("packages/core/README.md");
    expect(pages).toContain("packages/core/src/with-middleware.ts");
    expect(blocks.length).toBeGreaterThan(25);
  });
});

async function pageBlocks(): Promise<CodeBlock[]> {
  const all = await pages();
  return all.flatMap(({ file, text }) =>
    fencedBlocks(text)
      .filter(({ language }) => ["ts", "typescript", "tsx"].includes(language))
      .map(({ line, code }) => ({ file, line, code })),
  );
}

const DECLARATION = /^(?:const|let|function|import) (?:[{[]([^}\]]*)[}\]]|(\w+))/gmu;

/** Examples in sources stand beside what they show, and import nothing: it is imported for them. */
async function packageExamples(): Promise<CodeBlock[]> {
  const packages = await readdir(join(root, "packages"));
  const found = await Promise.all(packages.map(sourceExamples));
  const ours = packages.map((name) => (name === "evenkeel" ? name : `@evenkeel/${name}`));
  const homes = new Map<string, string>();
  for (const from of [...ours, "vitest", "@langchain/langgraph", "pg"]) {
    const names = Object.keys((await import(from)) as object);
    for (const name of names) if (!homes.has(name)) homes.set(name, from);
  }
  const imported = ({ code, ...where }: CodeBlock): CodeBlock => {
    const words = new Set(code.match(/\b[A-Za-z]\w+\b/g));
    const declared = new Set(
      [...code.matchAll(DECLARATION)].flatMap(([, list, name]) => list?.split(/\W+/u) ?? [name]),
    );
    const names = [...words].filter((word) => homes.has(word) && !declared.has(word));
    const imports = names.map((name) => `import { ${name} } from "${homes.get(name)}";`);
    // On the first line, so that the compiler's line numbers stay those of the example.
    return { ...where, code: `${imports.join(" ")} ${code}` };
  };
  return found.flat().map(imported);
}

async function compile(): Promise<string[]> {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const values = [tsc, "-p", folder, "--pretty", "false"];
  const output = await promisify(execFile)(process.execPath, values, { cwd: folder }).then(
    ({ stdout }) => stdout,
    (error: { stdout: string }) => error.stdout,
  );
  return output.split("\n").flatMap((text) => {
    const [, index, line, what] = /^(\d+)\.ts\((\d+),\d+\): error (.*)$/u.exec(text) ?? [];
    const block = blocks[Number(index)];
    if (block !== undefined) return [`${block.file}:${block.line + Number(line) - 1} ${what}`];
    // The rest of the program is somebody else's test, and a message of its own concerns all.
    return text.startsWith("error") || text.startsWith("../prelude") ? [text] : [];
  });
}
