import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";

import { countNewlines, piecesOf } from "./chunk.ts";
import type { ResultSource } from "./chunk.ts";

/** What is known of a content once all of it has been seen. */
export interface ContentFacts {
  /** SHA-256, hexadecimal. */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  readonly lines: number;
}

/** Gathers the facts of a content piece by piece. */
export interface FactsGatherer {
  add(bytes: Uint8Array): void;
  facts(): ContentFacts;
}

const BYTES_BETWEEN_BREATHS = 8 * 1024 * 1024;

export function gatherFacts(): FactsGatherer {
  const hash = createHash("sha256");
  let size = 0;
  let newlines = 0;
  let last = 10;
  return {
    add: (bytes) => {
      hash.update(bytes);
      size += bytes.length;
      newlines += countNewlines(bytes);
      last = bytes.at(-1) ?? last;
    },
    facts: () => ({
      digest: hash.digest("hex"),
      size,
      lines: newlines + (last === 10 ? 0 : 1),
    }),
  };
}

/** The facts of a content that lies in memory; other work gets its turn while a large one is read. */
export async function factsOf(
  source: Exclude<ResultSource, AsyncIterable<Uint8Array>>,
): Promise<ContentFacts> {
  const gatherer = gatherFacts();
  let since = 0;
  for (const piece of piecesOf(source) as Iterable<Uint8Array>) {
    for (let start = 0; start < piece.length; start += BYTES_BETWEEN_BREATHS) {
      const part = piece.subarray(start, start + BYTES_BETWEEN_BREATHS);
      gatherer.add(part);
      since += part.length;
      if (since < BYTES_BETWEEN_BREATHS) continue;
      since = 0;
      await setImmediate();
    }
  }
  return gatherer.facts();
}
