/** Hands chunks from work that waits for nobody to whoever takes them. */
export interface ChunkQueue<Chunk> {
  /** False where it was dropped: nobody takes any more, or there were to be no more. */
  put(chunk: Chunk): boolean;
  /** No more chunks; `more` says so, or rejects with `error` where one is given. */
  close(failure?: { readonly error: unknown }): void;
  /** Settles with true once there is a chunk to take, with false once there will be none. */
  more(): Promise<boolean>;
  take(): Chunk;
  /** Nobody takes any more: what comes from now on is dropped, and what waits is given back. */
  leave(): Chunk[];
}

/** Makes a queue for one consumer. */
// Not a generator of its own: delegating to one costs the consumer several promises a chunk.
export function chunkQueue<Chunk>(): ChunkQueue<Chunk> {
  const chunks: Chunk[] = [];
  let end: { readonly failure: { readonly error: unknown } | undefined } | undefined;
  let left = false;
  let wake: ((there: boolean) => void) | undefined;
  let refuse: ((error: unknown) => void) | undefined;
  return {
    put: (chunk) => {
      if (left || end !== undefined) return false;
      chunks.push(chunk);
      wake?.(true);
      return true;
    },
    close: (failure) => {
      end ??= { failure };
      if (end.failure === undefined) wake?.(false);
      else refuse?.(end.failure.error);
    },
    more: () =>
      new Promise((resolve, reject) => {
        if (chunks.length > 0) return resolve(true);
        if (end !== undefined) {
          return end.failure === undefined ? resolve(false) : reject(end.failure.error);
        }
        [wake, refuse] = [resolve, reject];
      }),
    take: () => chunks.shift() as Chunk,
    leave: () => {
      left = true;
      return chunks.splice(0);
    },
  };
}
