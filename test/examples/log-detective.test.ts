import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { expect, test } from "vitest";

const run = promisify(execFile);
const example = new URL("../../examples/log-detective/", import.meta.url);

test("prints the transcript that its README shows", async () => {
  const main = fileURLToPath(new URL("src/main.ts", example));
  const { OPENAI_API_KEY: _, ...env } = process.env;
  const node = ["--conditions=@evenkeel/source", "--import", "tsx", main];
  const { stdout, stderr } = await run(process.execPath, node, { env });
  const readme = await readFile(new URL("README.md", example), "utf8");
  const shown = /```text\n([^]*?)\n```/.exec(readme)?.[1];
  expect(stdout.trim()).toBe(shown?.trim());
  expect(stderr).toBe("");
});
