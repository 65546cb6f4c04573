import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

import { describe, expect, test } from "vitest";

import { examplesFolder, normalized, transcriptOf } from "../support/example.ts";
import { quietEnvironment } from "../support/packed-project.ts";

// langgraph-server needs an installation of its own: test/server runs it.
const EXAMPLES = [
  "existing-graph",
  "langsmith-review",
  "log-detective",
  "supervisor-subgraphs",
  "your-own-middleware",
];

describe("an example prints what its README shows", () => {
  test.each(EXAMPLES)("%s", { timeout: 180_000 }, async (example) => {
    const { OPENAI_API_KEY: _key, ...env } = quietEnvironment();
    const loader = ["--conditions=@evenkeel/source", "--import", "tsx"];
    const { stdout } = await promisify(execFile)(process.execPath, [...loader, "src/main.ts"], {
      cwd: join(examplesFolder, example),
      env,
    });
    expect(normalized(stdout)).toBe(await transcriptOf(example));
  });
});
