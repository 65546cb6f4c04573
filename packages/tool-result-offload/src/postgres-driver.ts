import { randomUUID } from "node:crypto";

import type { Pool, QueryResultRow } from "pg";

import type { ResultChunk } from "./chunk.ts";
import type { OwnerKey } from "./handle.ts";
import { resultStatements } from "./postgres-results-sql.ts";
import type { KeySubject, ResultDriver, ResultEntry, ResultWriter } from "./result-driver.ts";

interface EntryRow extends QueryResultRow {
  handle: string;
  digest: string;
  size: string;
  lines: string;
  created_at: string;
  used_at: string;
  ttl_ms: string | null;
  meta: string;
}

interface ChunkRow extends EntryRow {
  index: number | null;
  newlines_before: string;
  newlines: number;
  bytes: Buffer;
}

const CHUNKS_AT_ONCE = 16;
const ATTEMPTS = 5;
const UNIQUE_VIOLATION = "23505";
const FOREIGN_KEY_VIOLATION = "23503";

/**
 * Results in Postgres: chunks as bytea, a slice in one round trip, a result of up to 1 MB written in
 * one. Every statement is a transaction of its own, so PgBouncer may hand each to another session.
 */
export function postgresResults(pool: Pool, schema = "evenkeel"): ResultDriver {
  const statements = resultStatements(schema);

  async function rows<Row extends QueryResultRow>(text: string, values: unknown[]): Promise<Row[]> {
    return (await pool.query<Row>(text, values)).rows;
  }

  /** As `rows`, but nothing where another session won: it has the content, or has just dropped it. */
  async function unlessRaced<Row extends QueryResultRow>(
    text: string,
    values: unknown[],
    code: string,
  ): Promise<Row[]> {
    return rows<Row>(text, values).catch((error: { code?: unknown }) => {
      if (error.code === code) return [];
      throw error;
    });
  }

  async function link(key: OwnerKey, entry: ResultEntry): Promise<ResultEntry | undefined> {
    const values = entryValues(null, key, entry);
    const [row] = await unlessRaced<EntryRow>(statements.link, values, FOREIGN_KEY_VIOLATION);
    return row === undefined ? undefined : entryOf(row);
  }

  function writer(scope: string, startedAt: number): ResultWriter {
    const id = randomUUID();
    const waiting: ResultChunk[] = [];
    let begun = false;

    async function flush(): Promise<void> {
      if (!begun) await rows(statements.insertContent, [id, scope, startedAt]);
      begun = true;
      if (waiting.length > 0) await rows(statements.insertChunks, [id, ...chunkValues(waiting)]);
      waiting.length = 0;
    }

    async function publish(key: OwnerKey, entry: ResultEntry): Promise<ResultEntry | undefined> {
      const values = entryValues(id, key, entry);
      // A unique violation means that another session published the same content first.
      const [row] = begun
        ? await unlessRaced<EntryRow>(statements.finishContent, values, UNIQUE_VIOLATION)
        : await rows<EntryRow>(statements.insertWhole, [...values, ...chunkValues(waiting)]);
      return row === undefined ? undefined : entryOf(row);
    }

    async function abort(): Promise<void> {
      waiting.length = 0;
      if (begun) await rows(statements.dropContent, [id]);
    }

    return {
      write: async (chunk) => {
        waiting.push(chunk);
        if (waiting.length > CHUNKS_AT_ONCE) await flush();
      },
      commit: async (key, entry) => {
        if (begun) await flush();
        for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
          const published = await publish(key, entry);
          if (published !== undefined) return published;
          const linked = await link(key, entry);
          if (linked === undefined) continue;
          await abort();
          return linked;
        }
        throw new Error("the write lasted so long that a prune took it for an orphan");
      },
      abort,
    };
  }

  async function dropUnreferred(ids: readonly string[]): Promise<number> {
    let dropped = 0;
    for (const id of new Set(ids)) {
      // A session that links right now has the row's lock; its handle wins over our clean-up.
      const result = await pool
        .query(statements.dropUnreferred, [id])
        .catch((error: { code?: unknown }) => {
          if (error.code === FOREIGN_KEY_VIOLATION) return { rowCount: 0 };
          throw error;
        });
      dropped += result.rowCount ?? 0;
    }
    return dropped;
  }

  async function removing(text: string, values: unknown[]): Promise<number> {
    const removed = await rows<{ content_id: string }>(text, values);
    await dropUnreferred(removed.map((row) => row.content_id));
    return removed.length;
  }

  return {
    writer,
    link,
    find: async (key, handle) => {
      const [row] = await rows<EntryRow>(statements.find, [key.scope, key.thread, handle]);
      return row === undefined ? undefined : entryOf(row);
    },
    chunks: async (key, handle, range) => {
      const owner = [key.scope, key.thread, handle];
      const found =
        "first" in range
          ? await rows<ChunkRow>(statements.slice, [...owner, range.first, range.count])
          : await rows<ChunkRow>(statements.lines, [
              ...owner,
              range.line,
              range.lastLine,
              range.count,
            ]);
      const [head] = found;
      if (head === undefined) return undefined;
      return { entry: entryOf(head), chunks: found.flatMap(chunkOf) };
    },
    use: async (key, handle, usedAt) => {
      const { rowCount } = await pool.query(statements.use, [
        key.scope,
        key.thread,
        handle,
        usedAt,
      ]);
      return rowCount === 1;
    },
    remove: async (key, handle) =>
      (await removing(statements.remove, [key.scope, key.thread, handle])) === 1,
    forget: ({ scope = null, thread = null }) =>
      removing(statements.removeSubject, [scope, thread]),
    removeExpired: (now) => removing(statements.removeExpired, [now]),
    removeOrphans: async (startedBefore) => {
      const orphans = await rows<{ id: string }>(statements.orphans, [startedBefore]);
      return dropUnreferred(orphans.map((row) => row.id));
    },
    usage: async (subject) => {
      const all = isEverything(subject);
      const [row] = await rows<{ results: string; bytes: string; stored: string }>(
        all ? statements.usageOfAll : statements.usage,
        all ? [] : [subject.scope ?? null, subject.thread ?? null],
      );
      return {
        results: Number(row?.results),
        bytes: Number(row?.bytes),
        storedBytes: Number(row?.stored),
      };
    },
    leastRecentlyUsed: async ({ scope = null, thread = null }, limit) => {
      const found = await rows<{ scope: string; thread: string; handle: string; size: string }>(
        statements.leastRecentlyUsed,
        [scope, thread, limit],
      );
      return found.map((row) => ({
        key: { scope: row.scope, thread: row.thread },
        handle: row.handle,
        size: Number(row.size),
      }));
    },
  };
}

function isEverything(subject: KeySubject): boolean {
  return subject.scope === undefined && subject.thread === undefined;
}

function entryValues(id: string | null, key: OwnerKey, entry: ResultEntry): unknown[] {
  const { handle, digest, size, lines, createdAt, usedAt, ttlMs, meta } = entry;
  const facts = [handle, digest, size, lines, createdAt, usedAt, ttlMs, JSON.stringify(meta)];
  return [id, key.scope, key.thread, ...facts];
}

function chunkValues(chunks: readonly ResultChunk[]): unknown[] {
  let start = 1;
  const starts = chunks.map(({ bytes }) => {
    start += bytes.length;
    return start - bytes.length;
  });
  return [
    chunks.map((chunk) => chunk.index),
    chunks.map((chunk) => chunk.newlinesBefore),
    chunks.map((chunk) => chunk.newlines),
    starts,
    chunks.map((chunk) => chunk.bytes.length),
    Buffer.concat(chunks.map((chunk) => chunk.bytes)),
  ];
}

function entryOf(row: EntryRow): ResultEntry {
  return {
    v: 1,
    handle: row.handle,
    digest: row.digest,
    size: Number(row.size),
    lines: Number(row.lines),
    createdAt: Number(row.created_at),
    usedAt: Number(row.used_at),
    ttlMs: row.ttl_ms === null ? null : Number(row.ttl_ms),
    meta: JSON.parse(row.meta) as Record<string, unknown>,
  };
}

function chunkOf(row: ChunkRow): ResultChunk[] {
  if (row.index === null) return [];
  const { index, newlines, bytes } = row;
  return [{ index, newlinesBefore: Number(row.newlines_before), newlines, bytes }];
}
