import type { ChunkGate } from "../middleware.ts";

/** A gate before a stream: chunks pass until somebody holds them. */
export function chunkGate(
  deliver: (chunk: unknown) => void,
): ChunkGate & { push(chunk: unknown): void } {
  let waiting: unknown[] | undefined;
  return {
    push: (chunk) => (waiting === undefined ? deliver(chunk) : void waiting.push(chunk)),
    hold: () => void (waiting ??= []),
    release: () => {
      const chunks = waiting ?? [];
      waiting = undefined;
      for (const chunk of chunks) deliver(chunk);
    },
    drop: () => void (waiting = undefined),
  };
}
