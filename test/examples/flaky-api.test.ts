import { readFile } from "node:fs/promises";

import { expect, test } from "vitest";

import { runAgent } from "../../examples/flaky-api/src/run-agent.ts";

test("flaky-api prints the transcript its README shows", async () => {
  const readme = await readFile(
    new URL("../../examples/flaky-api/README.md", import.meta.url),
    "utf8",
  );
  const shown = /```text\n([\s\S]*?)```/.exec(readme)?.[1]?.trimEnd();
  const printed = [
    "Three attempts, told nothing:",
    ...(await runAgent(false)),
    "",
    "Told what failed:",
    ...(await runAgent(true)),
  ].join("\n");
  expect(printed).toBe(shown);
});
