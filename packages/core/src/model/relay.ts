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
  const waiting: Waiting<Chunk>[] = [];
  let end: { readonly failure: { readonly error: unknown } | undefined } | undefined;
  let abandoned = false;
  let wake = (): void => undefined;
  return {
    push: (chunk) => {
      if (abandoned || end !== undefined) return Promise.resolve(false);
      return new Promise((taken) => {
        waiting.push({ chunk, taken });
        wake();
      });
    },
    close: (failure) => {
      end ??= { failure };
      wake();
    },
    async *chunks() {
      let inHand: Waiting<Chunk> | undefined;
      try {
        for (;;) {
          inHand = waiting.shift();
          if (inHand !== undefined) {
            yield inHand.chunk;
            inHand.taken(true);
          } else if (end !== undefined) {
            if (end.failure !== undefined) throw end.failure.error;
            return;
          } else {
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
        }
      } finally {
        abandoned = true;
        // Also the chunk the consumer left with: its producer waits for an answer like the others.
        inHand?.taken(false);
        for (const { taken } of waiting.splice(0)) taken(false);
      }
    },
  };
}
