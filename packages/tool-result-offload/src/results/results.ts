import { setImmediate } from "node:timers/promises";

import type {
  ChunkRange,
  ResultChunk,
  ResultOwner,
  ResultStore,
  StoredResult,
} from "@evenkeel/core";

import { OffloadError } from "../errors.ts";
import { CHUNK_BYTES, chunksOf } from "./chunk.ts";
import type { ResultSource } from "./chunk.ts";
import { factsOf, gatherFacts } from "./content-facts.ts";
import type { ContentFacts } from "./content-facts.ts";
import { deriveHandle } from "./handle.ts";
import { enforceQuotas, largestAllowed, validateLimits } from "./quotas.ts";
import type { ResultLimits } from "./quotas.ts";
import { chunkRangeOf, cutSlice } from "./slice.ts";
import type { ByteRange, LineRange, ResultPiece, ResultSlice } from "./slice.ts";
import { guardSource, refuseAbove } from "./source.ts";

/** What goes with a result when it is stored. */
interface PutOptions extends ResultLimits {
  /** Small JSON facts, returned with every read; of two puts of one content the first stays. */
  meta?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Large results by handle, on whatever store: hashed, named, cut into chunks, with age and quotas.
 * A result is visible once it is whole, and not before. A handle that is not the owner's, or whose
 * result is gone, reads as undefined.
 */
export interface Results {
  /** Keeps a result and names it; the same content in the same thread gives the same handle. */
  put(owner: ResultOwner, source: ResultSource, options?: PutOptions): Promise<StoredResult>;
  stat(owner: ResultOwner, handle: string): Promise<StoredResult | undefined>;
  /** A slice, in one round trip; beyond the end it is empty. */
  read(
    owner: ResultOwner,
    handle: string,
    range: ByteRange | LineRange,
  ): Promise<ResultSlice | undefined>;
  /** The result from `offset` on, some chunks at a time; throws `result-gone` if there is none. */
  stream(
    owner: ResultOwner,
    handle: string,
    range?: { offset?: number },
  ): AsyncIterable<ResultPiece>;
}

const THIRTY_DAYS_MS = 30 * 24 * 3_600_000;
/** Several uses of a result within a minute are written as one. */
const TOUCH_EVERY_MS = 60_000;
/** A stream begins small, for whoever stops early, and asks for more each time. */
const FIRST_CHUNKS = 2;
const MOST_CHUNKS = 16;
const CHUNKS_BETWEEN_BREATHS = 128;

interface Write {
  /** Known already of what lies in memory, gathered on the way of what does not. */
  readonly facts: ContentFacts | undefined;
  readonly resultOf: (facts: ContentFacts) => StoredResult;
  readonly maxBytes: number;
}

export function openResults(store: ResultStore, now: () => number = Date.now): Results {
  async function put(
    owner: ResultOwner,
    source: ResultSource,
    { meta = {}, ttlMs = THIRTY_DAYS_MS, ...quotas }: PutOptions = {},
  ): Promise<StoredResult> {
    validateLimits({ ttlMs, ...quotas });
    const resultOf = (facts: ContentFacts): StoredResult => ({
      v: 1,
      handle: deriveHandle(owner, facts.digest),
      ...facts,
      createdAt: now(),
      usedAt: now(),
      ttlMs,
      meta,
    });
    const maxBytes = largestAllowed(quotas);
    // What lies in memory is hashed before anything is written: a re-executed tool costs a look-up.
    const facts = isInMemory(source) ? await factsOf(source) : undefined;
    const linked = facts === undefined ? undefined : await link(owner, resultOf(facts), maxBytes);
    const stored = linked ?? (await write(owner, source, { facts, resultOf, maxBytes }));
    await enforceQuotas(store, { owner, handle: stored.handle }, quotas);
    return stored;
  }

  async function link(
    owner: ResultOwner,
    result: StoredResult,
    maxBytes: number,
  ): Promise<StoredResult | undefined> {
    refuseAbove(result.size, maxBytes);
    return store.linkResult(owner, result);
  }

  async function write(
    owner: ResultOwner,
    source: ResultSource,
    { facts, resultOf, maxBytes }: Write,
  ): Promise<StoredResult> {
    const writer = store.writeResult(owner, now());
    const gatherer = gatherFacts();
    try {
      for await (const chunk of chunksOf(guardSource(source, maxBytes))) {
        if (facts === undefined) gatherer.add(chunk.bytes);
        await writer.write(chunk);
        // A store without I/O would otherwise hold the event loop; the same holds for `stream`.
        if (chunk.index % CHUNKS_BETWEEN_BREATHS === CHUNKS_BETWEEN_BREATHS - 1)
          await setImmediate();
      }
      return await writer.commit(resultOf(facts ?? gatherer.facts()));
    } catch (error) {
      // The failure that matters is the first; what abort leaves behind, prune removes.
      await writer.abort().catch(() => undefined);
      throw error;
    }
  }

  function hasExpired({ ttlMs, usedAt }: StoredResult): boolean {
    return ttlMs !== null && usedAt + ttlMs <= now();
  }

  async function readChunks(
    owner: ResultOwner,
    handle: string,
    range: ChunkRange,
  ): Promise<{ result: StoredResult; chunks: ResultChunk[] } | undefined> {
    const found = await store.readResult(owner, handle, range);
    if (found === undefined || hasExpired(found.result)) return undefined;
    refuseGaps(found.result, found.chunks, range);
    if (now() - found.result.usedAt >= TOUCH_EVERY_MS) {
      await store.touchResult(owner, handle, now());
    }
    return found;
  }

  return {
    put,
    async stat(owner, handle) {
      const result = await store.findResult(owner, handle);
      return result === undefined || hasExpired(result) ? undefined : result;
    },
    async read(owner, handle, range) {
      const found = await readChunks(owner, handle, chunkRangeOf(range));
      if (found === undefined) return undefined;
      return { result: found.result, ...cutSlice(found.result, found.chunks, range) };
    },
    stream: async function* stream(owner, handle, { offset = 0 } = {}) {
      for (
        let position = offset, count = FIRST_CHUNKS;
        ;
        count = Math.min(MOST_CHUNKS, 2 * count)
      ) {
        const first = Math.floor(position / CHUNK_BYTES);
        const found = await readChunks(owner, handle, { first, count });
        if (found === undefined) throw gone(handle);
        for (const chunk of found.chunks) {
          const start = chunk.index * CHUNK_BYTES;
          const length = CHUNK_BYTES - (position - start);
          yield cutSlice(found.result, [chunk], { offset: position, length });
          position = start + chunk.bytes.length;
        }
        if (position >= found.result.size) return;
        await setImmediate();
      }
    },
  };
}

function isInMemory(source: ResultSource): source is string | Uint8Array {
  return typeof source === "string" || source instanceof Uint8Array;
}

function gone(handle: string): OffloadError {
  return new OffloadError({
    code: "result-gone",
    message: `Result ${handle} is not kept any more.`,
    details: { handle },
  });
}

// A store that lost a chunk must not pass for a shorter result.
function refuseGaps(
  { handle, size }: StoredResult,
  chunks: readonly ResultChunk[],
  range: ChunkRange,
): void {
  const total = Math.ceil(size / CHUNK_BYTES);
  const first = chunks[0]?.index ?? 0;
  const expected =
    "first" in range ? Math.max(0, Math.min(range.count, total - range.first)) : chunks.length;
  const whole = chunks.every((chunk, position) => {
    const length = Math.min(CHUNK_BYTES, size - chunk.index * CHUNK_BYTES);
    return chunk.index === first + position && chunk.bytes.length === length;
  });
  if (whole && chunks.length === expected) return;
  throw new OffloadError({
    code: "result-corrupt",
    message: `Result ${handle} has lost a part of what was written; run its tool again.`,
    details: { handle, size, chunks: chunks.length, expected },
  });
}
