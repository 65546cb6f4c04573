import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

/** One answer of a tool, and the run it belongs to. */
export interface CorpusResult {
  readonly run: string;
  readonly text: string;
}

interface Recorded {
  readonly id: string;
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
}

/** The tool results of recorded runs: every `*.jsonl.gz` of a directory, one run a line. */
export async function recordedResults(directory: string): Promise<CorpusResult[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(".jsonl.gz")).toSorted();
  if (names.length === 0) throw new Error(`${directory} holds no *.jsonl.gz file.`);
  const results: CorpusResult[] = [];
  for (const name of names) {
    const lines = gunzipSync(await readFile(join(directory, name)))
      .toString("utf8")
      .split("\n");
    for (const line of lines) {
      if (line === "") continue;
      const { id, messages } = JSON.parse(line) as Recorded;
      for (const { role, content } of messages) {
        if (role === "tool" && typeof content === "string")
          results.push({ run: id, text: content });
      }
    }
  }
  return results;
}

const RESULTS_PER_RUN = 10;
const SMALLEST_BYTES = 100;
const SPREAD = 4_000;

/** Made-up results from 100 bytes to 400 KB, logs and JSON by turns, the same in every bench. */
export function generatedResults(count: number): CorpusResult[] {
  return Array.from({ length: count }, (_, index) => {
    const share = ((index * 61) % count) / count;
    const bytes = Math.round(SMALLEST_BYTES * SPREAD ** share);
    const run = `generated-${Math.floor(index / RESULTS_PER_RUN)}`;
    return { run, text: index % 2 === 0 ? logOf(bytes) : jsonOf(bytes) };
  });
}

/** A log of so many bytes. */
export function logOf(bytes: number, seed = 0): string {
  let text = "";
  for (let line = 0; text.length < bytes; line += 1) {
    const level = line % 50 === 7 ? "ERROR" : "INFO";
    text += `2026-03-01T10:00:00Z ${level} order ${seed + line} took ${(line * 37) % 900} ms – ok\n`;
  }
  return text.slice(0, bytes);
}

function jsonOf(bytes: number): string {
  const rows: object[] = [];
  for (let size = 0; size < bytes; size += 60) {
    rows.push({ order: rows.length, city: "Zürich", total: (rows.length * 37) % 900, paid: true });
  }
  return JSON.stringify(rows);
}
