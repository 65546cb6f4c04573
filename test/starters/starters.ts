/** `npm run test:starters -- [--only text]`: each example copied alone, installed and started as its README says. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { examplesFolder, normalized, transcriptOf } from "../support/example.ts";
import { root } from "../support/source-examples.ts";
import { copyStarter, npm } from "../support/starter-copy.ts";
import { packTarballs } from "../support/tarballs.ts";

const { values } = parseArgs({ options: { only: { type: "string", default: "" } } });
const names = (await readdir(examplesFolder)).filter((name) => name.includes(values.only));
if (names.length === 0) throw new Error(`--only: no example has "${values.only}" in its name.`);
const folder = await mkdtemp(join(tmpdir(), "evenkeel-starters-"));
try {
  const tarballs = await packTarballs(await readdir(join(root, "packages")), folder);
  for (const name of names) {
    // One after the other: each stands for a reader who has the machine to himself.
    const fault = await start(name, tarballs).catch(String);
    if (fault !== undefined) process.exitCode = 1;
    console.log(`${name}: ${fault ?? "prints what its README shows"}`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** What went wrong with a starter; undefined where nothing did. */
async function start(
  name: string,
  tarballs: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const copied = await copyStarter(name, folder, tarballs);
  await npm(copied, "install", "--no-audit", "--no-fund");
  // npm's own two lines come before what the program prints.
  const printed = normalized((await npm(copied, "start")).replace(/^\n(?:> .*\n)+\n/, ""));
  const transcript = await transcriptOf(name);
  // The trace of the refund agent comes last, and a kill may take a part of it.
  const shown = name === "refund-agent" ? printed.slice(0, transcript.length) : printed;
  if (shown === transcript) return undefined;
  const wanted = transcript.split("\n");
  const at = shown.split("\n").findIndex((line, index) => line !== wanted[index]);
  return `line ${at + 1} is not as in its README: ${shown.split("\n")[at]}`;
}
