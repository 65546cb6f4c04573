import { storeInput } from "@evenkeel/core";
import type { RecordStore, RunRecord } from "@evenkeel/core";

import type { Connection } from "./connection.ts";
import { keyColumn, optionalKeyColumn } from "./key-column.ts";

/** Run records in the table `run_records`, one row per execution. */
export function recordStore({ query, schema, bodies }: Connection): RecordStore {
  const put = `INSERT INTO ${schema}.run_records
    (execution_id, scope, thread_id, status, manifest_hash, started_at, at, body, sealed)
    VALUES ($1, $2, $3, $4, $5, to_timestamp($6::float8 / 1000), to_timestamp($7::float8 / 1000), $8, $9)
    ON CONFLICT (execution_id) DO UPDATE SET
      scope = excluded.scope, thread_id = excluded.thread_id, status = excluded.status,
      manifest_hash = excluded.manifest_hash, started_at = excluded.started_at, at = excluded.at,
      body = excluded.body, sealed = excluded.sealed
    RETURNING xmin::text AS version`;
  const replace = `UPDATE ${schema}.run_records SET
      scope = $2, thread_id = $3, status = $4, manifest_hash = $5,
      started_at = to_timestamp($6::float8 / 1000), at = to_timestamp($7::float8 / 1000),
      body = $8, sealed = $9
    WHERE execution_id = $1 AND xmin::text = $10
    RETURNING xmin::text AS version`;
  const get = `SELECT body, sealed, xmin::text AS version FROM ${schema}.run_records WHERE execution_id = $1`;
  const list = `SELECT body, sealed, xmin::text AS version FROM ${schema}.run_records
    WHERE ($1::text IS NULL OR scope = $1)
      AND ($2::text IS NULL OR thread_id = $2)
      AND ($3::text IS NULL OR status = $3)
      AND ($4::float8 IS NULL OR started_at >= to_timestamp($4::float8 / 1000))
      AND ($5::float8 IS NULL OR (started_at, execution_id) < (to_timestamp($5::float8 / 1000), $6::text))
    ORDER BY started_at DESC, execution_id DESC LIMIT $7::bigint`;
  /** The version of its row that a record was written or read as: every write makes another. */
  const versions = new WeakMap<RunRecord, string>();
  const seen = (record: RunRecord, row: Record<string, unknown> | undefined): RunRecord => {
    const version = row?.["version"];
    if (typeof version === "string") versions.set(record, version);
    return record;
  };
  const opened = async (row: Record<string, unknown>): Promise<RunRecord> =>
    seen(await bodies.open(row, "A run record"), row);

  async function columnsOf(record: RunRecord): Promise<unknown[]> {
    const { executionId, scope, threadId, status, manifestHash, startedAt, endedAt } = record;
    const now = Date.now();
    const json = storeInput.storedJson(record, "A run record");
    const { body, sealed } = await bodies.seal(json);
    return [
      keyColumn(storeInput.checkedText(executionId, "executionId of a record")),
      keyColumn(storeInput.checkedText(scope, "scope of a record")),
      optionalKeyColumn(threadId),
      keyColumn(status),
      optionalKeyColumn(manifestHash),
      storeInput.storedTime(startedAt, now),
      storeInput.storedTime(endedAt ?? startedAt, now),
      body,
      sealed,
    ];
  }

  return {
    async putRecord(record) {
      const [row] = await query(put, await columnsOf(record));
      seen(record, row);
    },
    async replaceRecord(record, known) {
      const version = versions.get(known);
      if (version === undefined || known.executionId !== record.executionId) return false;
      const [row] = await query(replace, [...(await columnsOf(record)), version]);
      seen(record, row);
      return row !== undefined;
    },
    async getRecord(executionId) {
      const [row] = await query(get, [keyColumn(executionId)]);
      return row === undefined ? undefined : opened(row);
    },
    async listRecords({ scope, threadId, status, since, before, limit }) {
      const now = Date.now();
      const rows = await query(list, [
        ...[scope, threadId, status].map(optionalKeyColumn),
        since === undefined ? null : storeInput.storedTime(since, 0),
        before === undefined ? null : storeInput.storedTime(before.startedAt, now),
        optionalKeyColumn(before?.executionId),
        storeInput.checkedLimit(limit) ?? null,
      ]);
      return Promise.all(rows.map(opened));
    },
  };
}
