import type { BaseStore } from "@langchain/langgraph";

import { itemContents } from "./base-store-contents.ts";
import type { ContentPlace } from "./base-store-contents.ts";
import { itemsOf } from "./base-store-items.ts";
import type { ItemValue } from "./base-store-items.ts";
import type { OwnerKey } from "./handle.ts";
import { keyedLock } from "./keyed-lock.ts";
import { wantedChunks } from "./result-driver.ts";
import type { KeySubject, ResultDriver, ResultEntry } from "./result-driver.ts";

interface Row {
  readonly key: OwnerKey;
  readonly entry: ResultEntry;
  readonly place: ContentPlace;
}

/**
 * Results in any LangGraph store: in memory, in Postgres, or `runtime.store`. A slice costs two
 * lookups (the row, then its chunks); without transactions a race may keep a content twice; quotas and pruning list every row, so a busy deployment wants
 * the Postgres driver. What is deleted frees its room at the first prune an hour later; `forget` erases at once.
 */
export function baseStoreResults(
  store: BaseStore,
  { clock = Date.now }: { clock?: () => number } = {},
): ResultDriver {
  const items = itemsOf(store);
  const contents = itemContents(items);
  // Parallel calls of one turn often have the same answer: the second finds what the first wrote.
  const exclusively = keyedLock();
  const rowSpace = (key: OwnerKey): string[] => ["rows", key.scope, key.thread];

  async function findRow(key: OwnerKey, handle: string): Promise<Row | undefined> {
    const value = await items.get(rowSpace(key), handle);
    return value === undefined ? undefined : rowOf(key, value);
  }

  async function putRow(row: Row): Promise<ResultEntry> {
    await items.put(rowSpace(row.key), new Map([[row.entry.handle, valueOf(row)]]));
    return row.entry;
  }

  async function link(key: OwnerKey, entry: ResultEntry): Promise<ResultEntry | undefined> {
    const there = await findRow(key, entry.handle);
    const place = there?.place ?? (await contents.find(key.scope, entry.digest));
    if (place === undefined) return undefined;
    const { usedAt, ttlMs } = entry;
    return putRow({ key, entry: { ...(there?.entry ?? entry), usedAt, ttlMs }, place });
  }

  async function remove(key: OwnerKey, handle: string): Promise<Row | undefined> {
    const row = await findRow(key, handle);
    if (row === undefined) return undefined;
    await items.remove(rowSpace(key), [handle]);
    await contents.release(key.scope, row.entry.digest, row.place, clock());
    return row;
  }

  async function rowsOf(subject: KeySubject): Promise<Row[]> {
    const rows: Row[] = [];
    const owner = [subject.scope, subject.thread].filter((part) => part !== undefined);
    for await (const { namespace, value } of items.all(["rows", ...owner])) {
      const [, scope = "", thread = ""] = namespace;
      rows.push(rowOf({ scope, thread }, value));
    }
    return rows;
  }

  async function removeWhere(
    subject: KeySubject,
    condition: (entry: ResultEntry) => boolean,
  ): Promise<Row[]> {
    const removed: Row[] = [];
    for (const { key, entry } of await rowsOf(subject)) {
      const row = condition(entry) ? await remove(key, entry.handle) : undefined;
      if (row !== undefined) removed.push(row);
    }
    return removed;
  }

  return {
    writer: (scope, startedAt) => {
      const upload = contents.upload(scope, startedAt);
      return {
        write: (chunk) => upload.write(chunk),
        commit: async (key, entry) => {
          const place = await upload.seal();
          return exclusively(`${scope}/${entry.digest}`, async () => {
            const known = await link(key, entry);
            if (known !== undefined) {
              await upload.discard();
              return known;
            }
            await putRow({ key, entry, place });
            await contents.publish(scope, entry.digest, place);
            return entry;
          });
        },
        abort: () => upload.discard(),
      };
    },
    link,
    find: async (key, handle) => (await findRow(key, handle))?.entry,
    chunks: async (key, handle, range) => {
      const row = await findRow(key, handle);
      if (row === undefined) return undefined;
      const { first, count } = wantedChunks(range, row.place.newlines);
      return {
        entry: row.entry,
        chunks: await contents.chunks(key.scope, row.place, first, count),
      };
    },
    use: async (key, handle, usedAt) => {
      const row = await findRow(key, handle);
      if (row === undefined) return false;
      await putRow({ ...row, entry: { ...row.entry, usedAt } });
      return true;
    },
    remove: async (key, handle) => (await remove(key, handle)) !== undefined,
    forget: async (subject) => {
      const removed = await removeWhere(subject, () => true);
      // Erasure does not wait for a prune.
      for (const { key, place } of removed) await contents.erase(key.scope, place);
      return removed.length;
    },
    removeExpired: async (now) => {
      const hasExpired = ({ usedAt, ttlMs }: ResultEntry): boolean =>
        ttlMs !== null && usedAt + ttlMs <= now;
      return (await removeWhere({}, hasExpired)).length;
    },
    removeOrphans: (startedBefore) => contents.removeOrphans(startedBefore, clock()),
    usage: async (subject) => {
      const rows = await rowsOf(subject);
      const distinct = new Map(rows.map((row) => [row.place.id, row.entry.size]));
      return {
        results: rows.length,
        bytes: rows.reduce((sum, row) => sum + row.entry.size, 0),
        storedBytes: [...distinct.values()].reduce((sum, size) => sum + size, 0),
      };
    },
    leastRecentlyUsed: async (subject, limit) =>
      (await rowsOf(subject))
        .toSorted((left, right) => left.entry.usedAt - right.entry.usedAt)
        .slice(0, limit)
        .map(({ key, entry }) => ({ key, handle: entry.handle, size: entry.size })),
  };
}

// As text, because a JSON column refuses the NUL and the lone surrogates that meta may quote.
function valueOf({ entry, place }: Row): ItemValue {
  return {
    entry: JSON.stringify(entry),
    content: place.id,
    newlines: JSON.stringify(place.newlines),
  };
}

function rowOf(key: OwnerKey, value: ItemValue): Row {
  return {
    key,
    entry: JSON.parse(String(value["entry"])) as ResultEntry,
    place: {
      id: String(value["content"]),
      newlines: JSON.parse(String(value["newlines"])) as number[],
    },
  };
}
