import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { Readable } from "node:stream";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";

import { OffloadError } from "../../errors.ts";
import type { OffloadErrorCode } from "../../errors.ts";
import type { ResultPiece } from "../../results/slice.ts";

/** What the query process is asked. */
export interface QueryJob {
  readonly query: string;
  /** The page of the answer wanted, in characters. */
  readonly offset: number;
  readonly length: number;
  /** Milliseconds from the end of the data on. */
  readonly timeoutMs: number;
}

/** A page of a query's answer. */
export interface QueryPage {
  readonly text: string;
  /** Characters of the whole answer. */
  readonly total: number;
}

type Answer = QueryPage | { readonly code: OffloadErrorCode; readonly reason: string };
type Child = ChildProcessByStdio<Writable, Readable, null>;

// From src and from dist alike; the package ships both.
const PROGRAM = fileURLToPath(new URL("../../../src/reading/query/process.mjs", import.meta.url));
const MB = 1024 * 1024;

/**
 * Runs a query in a process of its own and kills that when its time is up. A process, because
 * `flatten` over and over makes gigabytes out of ten characters, and a worker thread that meets its
 * heap limit inside one large allocation takes the whole program with it.
 */
export async function runQuery(
  job: QueryJob,
  data: { pieces: AsyncIterable<ResultPiece>; size: number },
  signal: AbortSignal | undefined,
): Promise<QueryPage> {
  signal?.throwIfAborted();
  const memory = `--max-old-space-size=${memoryFor(data.size)}`;
  const child = spawn(process.execPath, [memory, PROGRAM], {
    stdio: ["pipe", "pipe", "ignore"],
    env: {},
    windowsHide: true,
  });
  const kill = (): void => void child.kill("SIGKILL");
  signal?.addEventListener("abort", kill, { once: true });
  try {
    const output = outputOf(child);
    // Awaited below; until then a failure to start is nobody's to handle.
    output.catch(() => undefined);
    await feed(child, job, data.pieces);
    const timer = setTimeout(kill, job.timeoutMs);
    const text = await output.finally(() => clearTimeout(timer));
    signal?.throwIfAborted();
    return pageOf(text, job);
  } finally {
    signal?.removeEventListener("abort", kill);
    kill();
  }
}

async function feed(
  child: Child,
  job: QueryJob,
  pieces: AsyncIterable<ResultPiece>,
): Promise<void> {
  async function* input(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(`${JSON.stringify(job)}\n`);
    for await (const piece of pieces) yield piece.bytes;
  }
  await pipeline(Readable.from(input()), child.stdin).catch((error: { code?: unknown }) => {
    // A process that is gone already says by its silence what became of it.
    if (error.code !== "EPIPE" && error.code !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
  });
}

async function outputOf(child: Child): Promise<string> {
  const parts: Buffer[] = [];
  child.stdout.on("data", (part: Buffer) => parts.push(part));
  await once(child, "close").catch((error: unknown) => {
    throw exhausted("its process could not be started", error);
  });
  return Buffer.concat(parts).toString("utf8");
}

function pageOf(text: string, { timeoutMs }: QueryJob): QueryPage {
  const answer = text === "" ? undefined : (JSON.parse(text) as Answer);
  if (answer === undefined) {
    throw exhausted(
      `it took more than ${timeoutMs} ms or more memory than it may have; ask for less`,
    );
  }
  if ("text" in answer) return answer;
  const { code, reason } = answer;
  if (code === "query-exhausted") throw exhausted(reason);
  const what =
    code === "not-json"
      ? "The result is not JSON; read or search it instead"
      : "The query cannot be used";
  throw new OffloadError({ code, message: `${what}: ${reason}` });
}

// Parsed JSON takes up to sixteen times its text; what a query makes of it must fit beside it.
function memoryFor(bytes: number): number {
  return Math.min(4_096, 128 + Math.ceil(bytes / MB) * 16);
}

function exhausted(reason: string, cause?: unknown): OffloadError {
  return new OffloadError({
    code: "query-exhausted",
    message: `The query was given up: ${reason}.`,
    cause,
  });
}
