import { storeInput } from "@evenkeel/core";
import type { Eviction, ResultUsage, StoredResult, Subject } from "@evenkeel/core";

import { ownerKey, subjectKey } from "./owner-key.ts";
import type { OwnerKey } from "./owner-key.ts";

/** A result's row where rows can only be listed. */
export interface ListedRow {
  readonly key: OwnerKey;
  readonly result: StoredResult;
  /** Equal for rows that share their content. */
  readonly content: string;
}

/** What a backend without queries offers. */
export interface RowList<Row extends ListedRow> {
  /** All rows, those of a scope, or those of a thread. */
  rows(key: Partial<OwnerKey>): Promise<Row[]>;
  /** Removes a row and frees its content where it was the last; false if it is gone already. */
  remove(row: Row): Promise<boolean>;
}

/** The parts of a store that look at many rows, by listing them. */
export interface ListedRows<Row> {
  readonly evictResults: (eviction: Eviction) => Promise<number>;
  readonly resultUsage: (subject?: Subject) => Promise<ResultUsage>;
  /** Removes a subject's rows and answers which went. */
  readonly forgetRows: (subject: Subject) => Promise<Row[]>;
  /** Removes rows by their age, seen from `now`. */
  readonly pruneRows: (ages: { olderThanMs: number }, now: number) => Promise<number>;
}

export function listedRows<Row extends ListedRow>(list: RowList<Row>): ListedRows<Row> {
  async function removeAll(rows: readonly Row[]): Promise<Row[]> {
    const gone: Row[] = [];
    for (const row of rows) if (await list.remove(row)) gone.push(row);
    return gone;
  }

  async function victims({ subject, bytes, keep }: Eviction): Promise<Row[]> {
    const { thread } = ownerKey(keep.owner);
    const rows = await list.rows(subjectKey(subject));
    const oldest = rows
      .filter(({ key, result }) => key.thread !== thread || result.handle !== keep.handle)
      .toSorted((one, other) => one.result.usedAt - other.result.usedAt);
    let freed = 0;
    return oldest.filter(({ result }) => {
      const wanted = freed < bytes;
      freed += result.size;
      return wanted;
    });
  }

  return {
    evictResults: async (eviction) => (await removeAll(await victims(eviction))).length,
    async resultUsage(subject) {
      const rows = await list.rows(subjectKey(subject));
      const distinct = new Map(rows.map(({ content, result }) => [content, result.size]));
      return {
        results: rows.length,
        bytes: rows.reduce((sum, { result }) => sum + result.size, 0),
        storedBytes: [...distinct.values()].reduce((sum, size) => sum + size, 0),
      };
    },
    forgetRows: async (subject) =>
      removeAll(await list.rows(subjectKey(storeInput.checkedSubject(subject)))),
    async pruneRows(ages, now) {
      const before = now - storeInput.checkedAge(ages);
      const rows = await list.rows({});
      const old = rows.filter(
        ({ result: { usedAt, ttlMs } }) =>
          usedAt < before || (ttlMs !== null && usedAt + ttlMs <= now),
      );
      return (await removeAll(old)).length;
    },
  };
}
