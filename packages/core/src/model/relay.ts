import { chunkQueue } from "../run/chunk-queue.ts";

/** Hands chunks from work that runs by itself to a generator that yields them one by one. */
export interface Relay<Chunk> {
  /** Offers a chunk; settles when the consumer has taken it, false once the consumer is gone. */
  push(chunk: Chunk): Promise<boolean>;
  /** No more chunks; the generator ends, or throws `error` where one is given. */
  close(failure?: { readonly error: unknown }): void;
  /** The chunks, in order. */
  chunks(): AsyncGenerator<Chunk, void, undefined>;
}

interface Waiting<Chunk> {
  readonly chunk: Chunk;
  readonly taken: (wanted: boolean) => void;
}

/** Makes a relay; a producer that awaits `push` waits for the consumer, so nothing piles up. */
export function relay<Chunk>(): Relay<Chunk> {
  const queue = chunkQueue<Waiting<Chunk>>();
  return {
    push: (chunk) =>
      new Promise((taken) => {
        if (!queue.put({ chunk, taken })) taken(false);
      }),
    close: (failure) => queue.close(failure),
    async *chunks() {
      let inHand: Waiting<Chunk> | undefined;
      try {
        while (await queue.more()) {
          inHand = queue.take();
          yield inHand.chunk;
          inHand.taken(true);
        }
      } finally {
        // Also the chunk the consumer left with: its producer waits for an answer like the others.
        inHand?.taken(false);
        for (const { taken } of queue.leave()) taken(false);
      }
    },
  };
}
