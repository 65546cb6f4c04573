import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { describe, expect, test } from "vitest";

import { examplesFolder, normalized, transcriptOf } from "../support/example.ts";
import { quietEnvironment } from "../support/tarballs.ts";

// langgraph-server needs an installation of its own: test/server runs it.
const ELSEWHERE = ["langgraph-server"];
const EXAMPLES = (await readdir(examplesFolder)).filter((name) => !ELSEWHERE.includes(name));
// Its trace comes last, and a kill may take a part of that with it.
const AND_MORE = ["refund-agent"];

describe("an example prints what its README shows", () => {
  test.each(EXAMPLES)("%s", { timeout: 180_000 }, async (example) => {
    const { OPENAI_API_KEY: _model, LANGSMITH_API_KEY: _traces, ...env } = quietEnvironment();
    const loader = ["--conditions=@evenkeel/source", "--import", "tsx"];
    const { stdout } = await promisify(execFile)(process.execPath, [...loader, "src/main.ts"], {
      cwd: join(examplesFolder, example),
      env,
    });
    const transcript = await transcriptOf(example);
    const printed = normalized(stdout);
    expect(AND_MORE.includes(example) ? printed.slice(0, transcript.length) : printed).toBe(
      transcript,
    );
  });
});
