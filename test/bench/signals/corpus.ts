import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";

/** One message of a recorded run. */
interface CorpusMessage {
  role: "system" | "user" | "assistant" | "tool";
  content: string;
  tool_calls?: { id: string; name: string; args: Record<string, unknown> }[];
  tool_call_id?: string;
  name?: string;
  error?: boolean;
  errorText?: string;
  usage?: { inputTokens: number; outputTokens: number };
}

/** What was learned about a run afterwards; never shown to a detector. */
interface CorpusLabel {
  success: boolean;
  errorStep?: number;
  /** Pairs of steps that people labelled as repetition; a step is the k-th tool call from 0. */
  repetition?: [number, number][];
  /** How many consecutive pairs people judged. */
  labelledPairs?: number;
}

/** One recorded run. */
export interface CorpusRun {
  id: string;
  dataset: string;
  task: string;
  agent: string;
  label: CorpusLabel;
  exit: string | null;
  usage: { totalTokens: number; inputTokens: number; outputTokens: number } | null;
  meta: Record<string, unknown>;
  messages: CorpusMessage[];
}

/** Reads the runs of one gzip JSON Lines file, one after the other. */
export async function* readRuns(file: string): AsyncGenerator<CorpusRun> {
  const lines = createInterface({ input: createReadStream(file).pipe(createGunzip()) });
  for await (const line of lines) if (line.trim() !== "") yield parseRun(line, file);
}

/** Lists a corpus directory's data files in name order. */
export async function corpusFiles(directory: string): Promise<string[]> {
  const names = await readdir(directory);
  return names
    .filter((name) => name.endsWith(".jsonl.gz"))
    .toSorted()
    .map((name) => join(directory, name));
}

function parseRun(line: string, file: string): CorpusRun {
  const run: unknown = JSON.parse(line);
  if (!isRun(run))
    throw new Error(
      `${file}: a line is not a run (id, dataset, task, label and messages are needed)`,
    );
  return run;
}

function isRun(value: unknown): value is CorpusRun {
  if (typeof value !== "object" || value === null) return false;
  return ["id", "dataset", "task", "label", "messages"].every((key) => key in value);
}
