import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

import { errorCode } from "../error-code.ts";
import { CrashError } from "./crash-error.ts";
import type { PassedCase } from "./crash-matrix.ts";

/**
 * Reads which cases of a matrix have passed before; a line cut short by a kill does not count. The
 * file is left ready for further lines.
 */
export function readFinishedCases<Result>(
  file: string,
  key: string,
): Map<string, PassedCase<Result>> {
  const finished = new Map<string, PassedCase<Result>>();
  const content = contentOf(file);
  mkdirSync(dirname(file), { recursive: true });
  if (content !== "" && !content.endsWith("\n")) appendFileSync(file, "\n");
  for (const text of content.split("\n")) {
    const line = parse<Result>(text);
    if (line?.key !== key) continue;
    const { name, passed, result, durationMs } = line;
    if (passed) finished.set(name, { name, passed, result, durationMs, resumed: true });
    // A later failure outweighs an earlier success.
    else finished.delete(name);
  }
  return finished;
}

/** What crashMatrix() writes for each finished case. */
interface MatrixLine<Result> {
  readonly key: string;
  readonly name: string;
  readonly passed: boolean;
  readonly result: Result;
  readonly durationMs: number;
}

function parse<Result>(text: string): MatrixLine<Result> | undefined {
  try {
    const line: MatrixLine<Result> | null = JSON.parse(text);
    return line ?? undefined;
  } catch {
    return undefined;
  }
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return "";
    throw new CrashError({
      code: "resume-file-unreadable",
      message: `crashMatrix: the resume file ${file} cannot be read: ${String(error)}.`,
      cause: error,
    });
  }
}
