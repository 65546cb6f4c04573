import type { ResultChunk } from "./chunk.ts";
import type { OwnerKey } from "./handle.ts";
import { wantedChunks } from "./result-driver.ts";
import type { KeySubject, ResultDriver, ResultEntry } from "./result-driver.ts";

interface Content {
  readonly chunks: readonly ResultChunk[];
  readonly owners: Set<string>;
}

interface Row {
  readonly key: OwnerKey;
  entry: ResultEntry;
  readonly content: Content;
}

/** Results in this process's memory: for tests and for trying out; gone with the process. */
export function memoryResults(): ResultDriver {
  const contents = new Map<string, Content>();
  const rows = new Map<string, Row>();

  function link(key: OwnerKey, entry: ResultEntry): ResultEntry | undefined {
    const content = contents.get(`${key.scope}/${entry.digest}`);
    if (content === undefined) return undefined;
    const id = rowId(key, entry.handle);
    const there = rows.get(id)?.entry ?? entry;
    const renewed = { ...there, usedAt: entry.usedAt, ttlMs: entry.ttlMs };
    rows.set(id, { key, entry: renewed, content });
    content.owners.add(id);
    return renewed;
  }

  function remove(key: OwnerKey, handle: string): boolean {
    const id = rowId(key, handle);
    const row = rows.get(id);
    if (row === undefined) return false;
    rows.delete(id);
    row.content.owners.delete(id);
    if (row.content.owners.size === 0) contents.delete(`${key.scope}/${row.entry.digest}`);
    return true;
  }

  function removeWhere(condition: (row: Row) => boolean): number {
    const going = [...rows.values()].filter(condition);
    for (const row of going) remove(row.key, row.entry.handle);
    return going.length;
  }

  const of = (subject: KeySubject): Row[] => [...rows.values()].filter((row) => isOf(row, subject));

  return {
    writer: (scope) => {
      const chunks: ResultChunk[] = [];
      return {
        write: async (chunk) => void chunks.push(chunk),
        commit: async (key, entry) => {
          const id = `${scope}/${entry.digest}`;
          if (!contents.has(id)) contents.set(id, { chunks, owners: new Set() });
          return link(key, entry) ?? entry;
        },
        abort: async () => void chunks.splice(0),
      };
    },
    link: async (key, entry) => link(key, entry),
    find: async (key, handle) => rows.get(rowId(key, handle))?.entry,
    chunks: async (key, handle, range) => {
      const row = rows.get(rowId(key, handle));
      if (row === undefined) return undefined;
      const { chunks } = row.content;
      const { first, count } = wantedChunks(
        range,
        chunks.map((chunk) => chunk.newlines),
      );
      return { entry: row.entry, chunks: chunks.slice(first, first + count) };
    },
    use: async (key, handle, usedAt) => {
      const row = rows.get(rowId(key, handle));
      if (row !== undefined) row.entry = { ...row.entry, usedAt };
      return row !== undefined;
    },
    remove: async (key, handle) => remove(key, handle),
    forget: async (subject) => removeWhere((row) => isOf(row, subject)),
    removeExpired: async (now) =>
      removeWhere(({ entry }) => entry.ttlMs !== null && entry.usedAt + entry.ttlMs <= now),
    // An unfinished write is held by its writer alone and goes with it.
    removeOrphans: async () => 0,
    usage: async (subject) => {
      const mine = of(subject);
      const distinct = new Map(mine.map((row) => [row.content, row.entry.size]));
      return {
        results: mine.length,
        bytes: mine.reduce((sum, row) => sum + row.entry.size, 0),
        storedBytes: [...distinct.values()].reduce((sum, size) => sum + size, 0),
      };
    },
    leastRecentlyUsed: async (subject, limit) =>
      of(subject)
        .toSorted((left, right) => left.entry.usedAt - right.entry.usedAt)
        .slice(0, limit)
        .map(({ key, entry }) => ({ key, handle: entry.handle, size: entry.size })),
  };
}

function rowId(key: OwnerKey, handle: string): string {
  return `${key.scope}/${key.thread}/${handle}`;
}

function isOf({ key }: Row, subject: KeySubject): boolean {
  if (subject.scope !== undefined && subject.scope !== key.scope) return false;
  return subject.thread === undefined || subject.thread === key.thread;
}
