import { storeInput } from "@evenkeel/core";
import type { AuditEntry, AuditStore } from "@evenkeel/core";

import type { Connection } from "./connection.ts";
import { keyColumn, optionalKeyColumn } from "./key-column.ts";

/** Audit entries in the table `audit`, one row each. */
export function auditStore({ query, schema, bodies }: Connection): AuditStore {
  const append = `INSERT INTO ${schema}.audit
    (id, execution_id, thread_id, scope, at, body, sealed)
    VALUES ($1, $2, $3, $4, to_timestamp($5::float8 / 1000), $6, $7)
    ON CONFLICT (id) DO NOTHING`;
  const list = `SELECT body, sealed FROM ${schema}.audit
    WHERE ($1::text IS NULL OR execution_id = $1) AND ($2::text IS NULL OR scope = $2)
    ORDER BY at DESC, id DESC LIMIT $3::bigint`;
  const opened = (row: Record<string, unknown>): Promise<AuditEntry> =>
    bodies.open(row, "An audit entry");

  return {
    async appendAudit(entry) {
      const { body, sealed } = await bodies.seal(storeInput.storedJson(entry, "An audit entry"));
      await query(append, [
        keyColumn(storeInput.checkedText(entry.id, "id of an audit entry")),
        optionalKeyColumn(entry.executionId),
        optionalKeyColumn(entry.threadId),
        optionalKeyColumn(entry.scope),
        storeInput.storedTime(entry.at, Date.now()),
        body,
        sealed,
      ]);
    },
    async listAudit({ executionId, scope, limit }) {
      const keys = [executionId, scope].map(optionalKeyColumn);
      const rows = await query(list, [...keys, storeInput.checkedLimit(limit) ?? null]);
      return Promise.all(rows.map(opened));
    },
  };
}
