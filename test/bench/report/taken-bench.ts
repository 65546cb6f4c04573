import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { Machine } from "./machine.ts";

/** What one bench printed, and when, where and how it was taken: enough to render the page again. */
export interface TakenBench {
  readonly bench: string;
  readonly command: string;
  readonly takenAt: string;
  readonly seconds: number;
  /** 1 where an exact count was not the promised one. */
  readonly exitCode: number;
  readonly machine: Machine;
  readonly result: unknown;
}

/** Keeps a result beside the page. */
export async function keepTaken(folder: string, taken: TakenBench): Promise<void> {
  await writeFile(fileOf(folder, taken.bench), `${JSON.stringify(taken, undefined, 2)}\n`);
}

/** Reads a result that was kept; undefined where the bench was never taken. */
export async function readTaken(folder: string, bench: string): Promise<TakenBench | undefined> {
  try {
    return JSON.parse(await readFile(fileOf(folder, bench), "utf8")) as TakenBench;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function fileOf(folder: string, bench: string): string {
  return join(folder, `${bench}.json`);
}
