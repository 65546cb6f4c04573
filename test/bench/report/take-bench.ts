import { spawn } from "node:child_process";

import type { Bench } from "./benches.ts";
import { thisMachine } from "./machine.ts";
import type { TakenBench } from "./taken-bench.ts";

// One that hangs must not keep the others from being taken.
const LONGEST_MS = 30 * 60_000;

/** Runs one bench as its npm script and returns what it printed; its progress goes to the error stream. */
export async function takeBench(
  { id, args, quickArgs, corpus }: Bench,
  options: { readonly quick: boolean; readonly corpus: string | undefined },
): Promise<TakenBench> {
  const asked = [...(options.quick ? quickArgs : args)];
  const recorded =
    corpus === undefined || options.corpus === undefined ? undefined : options.corpus;
  const corpusArgs = recorded === undefined ? [] : ["--corpus", recorded];
  const start = performance.now();
  const takenAt = new Date().toISOString();
  const { text, exitCode } = await outputOf([
    "run",
    "--silent",
    `bench:${id}`,
    "--",
    "--json",
    ...asked,
    ...corpusArgs,
  ]);
  let result: unknown;
  try {
    result = JSON.parse(text);
  } catch (error) {
    throw new Error(`bench:${id} ended with ${exitCode} and without a result.`, { cause: error });
  }
  // The corpus lies somewhere else on every machine.
  const shown = recorded === undefined ? asked : [...asked, "--corpus", "DIR"];
  return {
    bench: id,
    command: [`npm run bench:${id}`, ...(shown.length === 0 ? [] : ["--", ...shown])].join(" "),
    takenAt,
    seconds: Math.round((performance.now() - start) / 1_000),
    exitCode,
    machine: thisMachine(),
    result,
  };
}

async function outputOf(args: readonly string[]): Promise<{ text: string; exitCode: number }> {
  const child = spawn("npm", args, { stdio: ["ignore", "pipe", "inherit"], timeout: LONGEST_MS });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  const exitCode = await new Promise<number>((done, fail) => {
    child.once("error", fail);
    child.once("close", (code) => done(code ?? 1));
  });
  return { text: Buffer.concat(chunks).toString("utf8"), exitCode };
}
