import { ORPHAN_AFTER_MS, storeInput } from "@evenkeel/core";
import type { ResultOwner, ResultStore, StoredResult, Subject } from "@evenkeel/core";

import type { Connection } from "../connection.ts";
import { optionalKeyColumn } from "../key-column.ts";
import { chunkOf, ownerValues, resultOf, resultValues } from "./result-rows.ts";
import { resultStatements } from "./result-statements.ts";
import { resultWriter } from "./result-writer.ts";

/** Large tool results: chunks as bytea, a slice in one round trip. */
export function resultStore(connection: Connection): ResultStore {
  const { query, schema, bodies } = connection;
  const statements = resultStatements(schema);

  async function link(owner: ResultOwner, result: StoredResult): Promise<StoredResult | undefined> {
    const values = [null, ...ownerValues(owner), ...(await resultValues(result, bodies))];
    const [row] = await query(statements.link, values);
    return row === undefined ? undefined : resultOf(row, bodies);
  }

  /** Removes rows, and then the contents nobody names any more: in a statement of its own, which sees what others did. */
  async function removing(statement: string, values: unknown[]): Promise<number> {
    const rows = await query(statement, values);
    if (rows.length === 0) return 0;
    const contents = new Set(rows.map((row) => row["content_id"]));
    await query(statements.collect, [[...contents]]);
    return rows.length;
  }

  return {
    writeResult: (owner, startedAt) =>
      resultWriter(connection, statements, { owner, startedAt, link }),
    linkResult: link,
    async findResult(owner, handle) {
      const [row] = await query(statements.find, [...ownerValues(owner), handle]);
      return row === undefined ? undefined : resultOf(row, bodies);
    },
    async readResult(owner, handle, range) {
      const rows =
        "first" in range
          ? await query(statements.slice, [...ownerValues(owner), handle, range.first, range.count])
          : await query(statements.lines, [
              ...ownerValues(owner),
              handle,
              range.line,
              range.lastLine,
              range.count,
            ]);
      const [head] = rows;
      if (head === undefined) return undefined;
      const chunks = await Promise.all(rows.map((row) => chunkOf(row, bodies)));
      return {
        result: await resultOf(head, bodies),
        chunks: chunks.filter((chunk) => chunk !== undefined),
      };
    },
    async touchResult(owner, handle, usedAt) {
      const rows = await query(statements.touch, [...ownerValues(owner), handle, usedAt]);
      return rows.length > 0;
    },
    async removeResult(owner, handle) {
      return (await removing(statements.remove, [...ownerValues(owner), handle])) > 0;
    },
    evictResults: ({ subject, bytes, keep }) =>
      removing(statements.evict, [
        ...subjectValues(subject),
        ...ownerValues(keep.owner),
        keep.handle,
        bytes,
      ]),
    async resultUsage(subject) {
      const [row] =
        subject === undefined
          ? await query(statements.usageOfAll, [])
          : await query(statements.usage, subjectValues(subject));
      return {
        results: Number(row?.["results"]),
        bytes: Number(row?.["bytes"]),
        storedBytes: Number(row?.["stored"]),
      };
    },
    forget: async (subject) =>
      removing(statements.removeSubject, subjectValues(storeInput.checkedSubject(subject))),
    async prune(ages) {
      const removed = await removing(statements.removeOld, [storeInput.checkedAge(ages)]);
      const orphans = await query(statements.collectOrphans, [ORPHAN_AFTER_MS]);
      return removed + orphans.length;
    },
  };
}

function subjectValues({ scope, threadId }: Partial<Subject> = {}): unknown[] {
  return [optionalKeyColumn(scope), optionalKeyColumn(threadId)];
}
