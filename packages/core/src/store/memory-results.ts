import { chunksInRange } from "./result-store.ts";
import type { ResultChunk, ResultOwner, ResultStore, StoredResult } from "./result-store.ts";
import { checkedAge, checkedSubject } from "./store-input.ts";
import type { Subject } from "./stores.ts";

interface Content {
  readonly chunks: readonly ResultChunk[];
  /** Ids of the rows that name it. */
  readonly rows: Set<string>;
}

interface Row {
  readonly owner: ResultOwner;
  result: StoredResult;
  readonly content: Content;
}

/** Results in this process's memory; `now` is the clock ages are counted from. */
export function memoryResults(now: () => number): ResultStore {
  const contents = new Map<string, Content>();
  const rows = new Map<string, Row>();

  function link(owner: ResultOwner, result: StoredResult): StoredResult | undefined {
    const content = contents.get(contentId(owner.scope, result.digest));
    if (content === undefined) return undefined;
    const id = rowId(owner, result.handle);
    const { usedAt, ttlMs } = result;
    const renewed = { ...(rows.get(id)?.result ?? copyOf(result)), usedAt, ttlMs };
    rows.set(id, { owner: { ...owner }, result: renewed, content });
    content.rows.add(id);
    return copyOf(renewed);
  }

  function remove(id: string): boolean {
    const row = rows.get(id);
    if (row === undefined) return false;
    rows.delete(id);
    row.content.rows.delete(id);
    if (row.content.rows.size === 0) contents.delete(contentId(row.owner.scope, row.result.digest));
    return true;
  }

  function removeWhere(concerned: (row: Row) => boolean): number {
    const going = [...rows].filter(([, row]) => concerned(row));
    for (const [id] of going) remove(id);
    return going.length;
  }

  return {
    writeResult(owner) {
      const chunks: ResultChunk[] = [];
      return {
        write: async (chunk) => void chunks.push(chunk),
        commit: async (result) => {
          const id = contentId(owner.scope, result.digest);
          if (!contents.has(id)) contents.set(id, { chunks, rows: new Set() });
          return link(owner, result) ?? result;
        },
        abort: async () => void chunks.splice(0),
      };
    },
    linkResult: async (owner, result) => link(owner, result),
    async findResult(owner, handle) {
      const row = rows.get(rowId(owner, handle));
      return row === undefined ? undefined : copyOf(row.result);
    },
    async readResult(owner, handle, range) {
      const row = rows.get(rowId(owner, handle));
      if (row === undefined) return undefined;
      const { chunks } = row.content;
      const newlines = chunks.map((chunk) => chunk.newlines);
      const { first, count } = chunksInRange(range, newlines);
      return { result: copyOf(row.result), chunks: chunks.slice(first, first + count) };
    },
    async touchResult(owner, handle, usedAt) {
      const row = rows.get(rowId(owner, handle));
      if (row !== undefined) row.result = { ...row.result, usedAt };
      return row !== undefined;
    },
    removeResult: async (owner, handle) => remove(rowId(owner, handle)),
    async evictResults({ subject, bytes, keep }) {
      const kept = rowId(keep.owner, keep.handle);
      const oldest = [...rows]
        .filter(([id, { owner }]) => id !== kept && isOf(owner, subject))
        .toSorted(([, one], [, other]) => one.result.usedAt - other.result.usedAt);
      let freed = 0;
      let gone = 0;
      for (const [id, { result }] of oldest) {
        if (freed >= bytes) break;
        remove(id);
        freed += result.size;
        gone += 1;
      }
      return gone;
    },
    async resultUsage(subject) {
      const mine = [...rows.values()].filter(({ owner }) => isOf(owner, subject));
      const distinct = new Map(mine.map(({ content, result }) => [content, result.size]));
      return {
        results: mine.length,
        bytes: mine.reduce((sum, { result }) => sum + result.size, 0),
        storedBytes: [...distinct.values()].reduce((sum, size) => sum + size, 0),
      };
    },
    forget: async (subject) => {
      checkedSubject(subject);
      return removeWhere(({ owner }) => isOf(owner, subject));
    },
    // An unfinished write is held by its writer alone and goes with it.
    prune: async (ages) => {
      const before = now() - checkedAge(ages);
      return removeWhere(
        ({ result: { usedAt, ttlMs } }) =>
          usedAt < before || (ttlMs !== null && usedAt + ttlMs <= now()),
      );
    },
  };
}

function copyOf(result: StoredResult): StoredResult {
  return { ...result, meta: JSON.parse(JSON.stringify(result.meta)) as StoredResult["meta"] };
}

function contentId(scope: string, digest: string): string {
  return JSON.stringify([scope, digest]);
}

function rowId({ scope, threadId }: ResultOwner, handle: string): string {
  return JSON.stringify([scope, threadId, handle]);
}

function isOf(owner: ResultOwner, { scope, threadId }: Partial<Subject> = {}): boolean {
  if (scope !== undefined && scope !== owner.scope) return false;
  return threadId === undefined || threadId === owner.threadId;
}
