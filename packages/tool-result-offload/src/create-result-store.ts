import type { StoreCodec } from "@evenkeel/core";

import { breathe } from "./breathe.ts";
import { CHUNK_BYTES, chunksOf } from "./chunk.ts";
import type { ResultChunk, ResultSource } from "./chunk.ts";
import { OffloadError } from "./errors.ts";
import { deriveHandle, ownerKey, scopeKey } from "./handle.ts";
import type { OwnerKey, ResultOwner } from "./handle.ts";
import { factsOf, gatherFacts } from "./result-digest.ts";
import type { ContentFacts } from "./result-digest.ts";
import type { ChunkRange, KeySubject, ResultDriver, ResultEntry } from "./result-driver.ts";
import {
  enforceLimits,
  largestAllowed,
  MAX_DURATION_MS,
  refuseUnless,
  validateLimits,
} from "./result-limits.ts";
import { chunkRangeOf, cutSlice } from "./result-slice.ts";
import { guardSource, refuseAbove } from "./result-source.ts";
import type { PutOptions, ResultLimits, ResultStore, StoredResult } from "./result-store.ts";

/** How a store of results behaves, whatever driver it has. */
export interface ResultStoreOptions extends ResultLimits {
  /** Encrypts chunks before they are written; digests and sizes stay readable. */
  codec?: StoreCodec | undefined;
  /**
   * Milliseconds within which several uses of a result are written as one.
   * @default 60000
   */
  touchEveryMs?: number | undefined;
  /**
   * Milliseconds after which `prune()` takes an unfinished write for an orphan: more than any write lasts.
   * @default 3600000
   */
  orphanAfterMs?: number | undefined;
  /** Milliseconds since 1970. @default Date.now */
  clock?: (() => number) | undefined;
}

const DAY_MS = 24 * 3_600_000;
const STREAM_CHUNKS = 16;
const CHUNKS_BETWEEN_BREATHS = 128;

/** A store of large results on a driver: chunking, hashing, ownership, expiry, quotas, encryption. */
export function createResultStore(
  driver: ResultDriver,
  options: ResultStoreOptions = {},
): ResultStore {
  const { codec, touchEveryMs = 60_000, orphanAfterMs = 3_600_000, clock = Date.now } = options;
  const limits: ResultLimits = { ttlMs: 30 * DAY_MS, ...definedLimits(options) };
  validateLimits(limits);
  refuseUnless("touchEveryMs", touchEveryMs, { min: 0, max: MAX_DURATION_MS });
  refuseUnless("orphanAfterMs", orphanAfterMs, { min: 0, max: MAX_DURATION_MS });

  async function put(
    owner: ResultOwner,
    source: ResultSource,
    putOptions: PutOptions = {},
  ): Promise<StoredResult> {
    const effective = { ...limits, ...definedLimits(putOptions) };
    validateLimits(effective);
    const key = ownerKey(owner);
    const entryOf = (facts: ContentFacts): ResultEntry => ({
      v: 1,
      handle: deriveHandle(key, facts.digest),
      ...facts,
      createdAt: clock(),
      usedAt: clock(),
      ttlMs: effective.ttlMs ?? null,
      meta: putOptions.meta ?? {},
    });
    const maxBytes = largestAllowed(effective);
    const entry =
      (await linkKnown(key, source, entryOf, maxBytes)) ??
      (await write(key, source, entryOf, maxBytes));
    await enforceLimits(driver, { key, handle: entry.handle }, effective);
    return publicView(entry);
  }

  // What lies in memory can be hashed before anything is written: a re-executed tool costs a look-up.
  async function linkKnown(
    key: OwnerKey,
    source: ResultSource,
    entryOf: (facts: ContentFacts) => ResultEntry,
    maxBytes: number,
  ): Promise<ResultEntry | undefined> {
    if (typeof source !== "string" && !(source instanceof Uint8Array)) return undefined;
    const facts = await factsOf(source);
    refuseAbove(facts.size, maxBytes);
    return driver.link(key, entryOf(facts));
  }

  async function write(
    key: OwnerKey,
    source: ResultSource,
    entryOf: (facts: ContentFacts) => ResultEntry,
    maxBytes: number,
  ): Promise<ResultEntry> {
    const writer = driver.writer(key.scope, clock());
    const gatherer = gatherFacts();
    try {
      for await (const chunk of chunksOf(guardSource(source, maxBytes))) {
        gatherer.add(chunk.bytes);
        await writer.write(await encrypted(chunk));
        // A driver without I/O would otherwise hold the event loop for the whole of a large result.
        if (chunk.index % CHUNKS_BETWEEN_BREATHS === CHUNKS_BETWEEN_BREATHS - 1) await breathe();
      }
      return await writer.commit(key, entryOf(gatherer.facts()));
    } catch (error) {
      // The failure that matters is the first; what abort leaves behind, prune removes.
      await writer.abort().catch(() => undefined);
      throw error;
    }
  }

  async function encrypted(chunk: ResultChunk): Promise<ResultChunk> {
    return codec === undefined ? chunk : { ...chunk, bytes: await codec.encrypt(chunk.bytes) };
  }

  async function find(key: OwnerKey, handle: string): Promise<ResultEntry | undefined> {
    const entry = await driver.find(key, handle);
    return entry === undefined || hasExpired(entry) ? undefined : entry;
  }

  function hasExpired(entry: ResultEntry): boolean {
    return entry.ttlMs !== null && entry.usedAt + entry.ttlMs <= clock();
  }

  async function readChunks(
    key: OwnerKey,
    handle: string,
    range: ChunkRange,
  ): Promise<{ entry: ResultEntry; chunks: ResultChunk[] } | undefined> {
    const found = await driver.chunks(key, handle, range);
    if (found === undefined || hasExpired(found.entry)) return undefined;
    const chunks: ResultChunk[] = [];
    for (const chunk of found.chunks) {
      const bytes = codec === undefined ? chunk.bytes : await codec.decrypt(chunk.bytes);
      chunks.push({ ...chunk, bytes });
    }
    refuseGaps(found.entry, chunks, range);
    if (clock() - found.entry.usedAt >= touchEveryMs) await driver.use(key, handle, clock());
    return { entry: found.entry, chunks };
  }

  return {
    put,
    stat: async (owner, handle) => {
      const entry = await find(ownerKey(owner), handle);
      return entry === undefined ? undefined : publicView(entry);
    },
    read: async (owner, handle, range) => {
      const found = await readChunks(ownerKey(owner), handle, chunkRangeOf(range));
      if (found === undefined) return undefined;
      return { result: publicView(found.entry), ...cutSlice(found.entry, found.chunks, range) };
    },
    stream: async function* stream(owner, handle, { offset = 0 } = {}) {
      const key = ownerKey(owner);
      for (let position = offset; ;) {
        const first = Math.floor(position / CHUNK_BYTES);
        const found = await readChunks(key, handle, { first, count: STREAM_CHUNKS });
        if (found === undefined) throw gone(handle);
        for (const chunk of found.chunks) {
          const start = chunk.index * CHUNK_BYTES;
          const length = CHUNK_BYTES - (position - start);
          yield cutSlice(found.entry, [chunk], { offset: position, length });
          position = start + chunk.bytes.length;
        }
        if (position >= found.entry.size) return;
      }
    },
    touch: async (owner, handle) => {
      const key = ownerKey(owner);
      if ((await find(key, handle)) === undefined) return false;
      return driver.use(key, handle, clock());
    },
    delete: (owner, handle) => driver.remove(ownerKey(owner), handle),
    prune: async ({ now = clock() } = {}) => ({
      results: await driver.removeExpired(now),
      orphans: await driver.removeOrphans(now - orphanAfterMs),
    }),
    forget: (subject) => driver.forget(subjectKey(subject)),
    usage: (subject) => driver.usage(subject === undefined ? {} : subjectKey(subject)),
  };
}

function definedLimits({ ttlMs, maxThreadBytes, maxTotalBytes }: ResultLimits): ResultLimits {
  return {
    ...(ttlMs === undefined ? {} : { ttlMs }),
    ...(maxThreadBytes === undefined ? {} : { maxThreadBytes }),
    ...(maxTotalBytes === undefined ? {} : { maxTotalBytes }),
  };
}

function subjectKey({ scope, threadId }: { scope: string; threadId?: string }): KeySubject {
  return threadId === undefined ? { scope: scopeKey(scope) } : ownerKey({ scope, threadId });
}

function publicView(entry: ResultEntry): StoredResult {
  const { ttlMs, createdAt, usedAt, ...rest } = entry;
  return {
    ...rest,
    createdAt: new Date(createdAt).toISOString(),
    usedAt: new Date(usedAt).toISOString(),
    expiresAt: ttlMs === null ? null : new Date(usedAt + ttlMs).toISOString(),
  };
}

function gone(handle: string): OffloadError {
  return new OffloadError({
    code: "result-gone",
    message: `Result ${handle} is not kept any more.`,
    details: { handle },
  });
}

// A driver that lost a chunk must not pass for a shorter result.
function refuseGaps(entry: ResultEntry, chunks: readonly ResultChunk[], range: ChunkRange): void {
  const total = Math.ceil(entry.size / CHUNK_BYTES);
  const first = chunks[0]?.index ?? 0;
  const expected =
    "first" in range ? Math.max(0, Math.min(range.count, total - range.first)) : chunks.length;
  const whole = chunks.every((chunk, position) => {
    const size = Math.min(CHUNK_BYTES, entry.size - chunk.index * CHUNK_BYTES);
    return chunk.index === first + position && chunk.bytes.length === size;
  });
  if (whole && chunks.length === expected) return;
  throw new OffloadError({
    code: "result-corrupt",
    message: `Result ${entry.handle} has lost a part of what was written; run its tool again.`,
    details: { handle: entry.handle, size: entry.size, chunks: chunks.length, expected },
  });
}
