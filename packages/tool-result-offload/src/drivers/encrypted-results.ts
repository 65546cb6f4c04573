import type { ResultChunk, ResultStore, StoreCodec } from "@evenkeel/core";

/**
 * The same store with the bytes of results encrypted before they are written; handles, hashes, sizes
 * and the facts kept with a result stay readable. `evenkeelPostgres` has a `codec` of its own.
 */
export function encryptedResults<Store extends ResultStore>(
  store: Store,
  codec: StoreCodec,
): Store {
  return {
    ...store,
    writeResult(owner, startedAt) {
      const writer = store.writeResult(owner, startedAt);
      return {
        ...writer,
        write: async (chunk: ResultChunk) =>
          writer.write({ ...chunk, bytes: await codec.encrypt(chunk.bytes) }),
      };
    },
    async readResult(owner, handle, range) {
      const read = await store.readResult(owner, handle, range);
      if (read === undefined) return undefined;
      const chunks: ResultChunk[] = [];
      for (const chunk of read.chunks) {
        chunks.push({ ...chunk, bytes: await codec.decrypt(chunk.bytes) });
      }
      return { ...read, chunks };
    },
  } satisfies Pick<ResultStore, "writeResult" | "readResult"> & Store;
}
