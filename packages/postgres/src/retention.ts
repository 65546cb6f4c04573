import { storeInput } from "@evenkeel/core";
import type { Retention } from "@evenkeel/core";

import type { Connection } from "./connection.ts";
import { keyColumn, optionalKeyColumn } from "./key-column.ts";

const ERASED = `SELECT (SELECT count(*) FROM gone_events) + (SELECT count(*) FROM gone_records)
    + (SELECT count(*) FROM gone_manifests) + (SELECT count(*) FROM gone_audit)
    + (SELECT count(*) FROM gone_effects) + (SELECT count(*) FROM gone_leases)
    + (SELECT count(*) FROM gone_breakers) AS erased`;

/** Erasing over all tables, each time in one statement, so all of it happens or nothing. */
export function retention({ query, schema }: Connection): Retention {
  const concerned = `scope = $1 AND ($2::text IS NULL OR thread_id = $2)`;
  const forget = `WITH
    gone_events AS (DELETE FROM ${schema}.events WHERE ${concerned} RETURNING 1),
    gone_records AS (DELETE FROM ${schema}.run_records WHERE ${concerned} RETURNING 1),
    gone_manifests AS (
      DELETE FROM ${schema}.manifests WHERE scope = $1 AND $2::text IS NULL RETURNING 1),
    gone_audit AS (DELETE FROM ${schema}.audit WHERE ${concerned} RETURNING 1),
    gone_effects AS (DELETE FROM ${schema}.effects WHERE ${concerned} RETURNING 1),
    gone_leases AS (DELETE FROM ${schema}.leases WHERE ${concerned} RETURNING 1),
    gone_breakers AS (
      DELETE FROM ${schema}.breakers WHERE scope = $1 AND $2::text IS NULL RETURNING 1)
    ${ERASED}`;

  // Ages are counted from the server's clock, which is one for all processes.
  const before = `now() - $1::float8 * interval '1 millisecond'`;
  const prune = `WITH
    gone_events AS (
      DELETE FROM ${schema}.events AS old WHERE at < ${before} AND NOT EXISTS (
        SELECT FROM ${schema}.events AS young
        WHERE young.execution_id = old.execution_id AND young.at >= ${before})
      RETURNING 1),
    gone_records AS (DELETE FROM ${schema}.run_records WHERE at < ${before} RETURNING 1),
    gone_manifests AS (
      DELETE FROM ${schema}.manifests WHERE used_at < ${before} AND NOT EXISTS (
        SELECT FROM ${schema}.run_records AS record
        WHERE record.scope = manifests.scope AND record.manifest_hash = manifests.hash
          AND record.at >= ${before})
      RETURNING 1),
    gone_audit AS (DELETE FROM ${schema}.audit WHERE at < ${before} RETURNING 1),
    -- What is claimed or unknown stays, whatever its age: forgotten, it would be done again.
    gone_effects AS (
      DELETE FROM ${schema}.effects AS effect WHERE status IN ('settled', 'failed', 'void')
        AND coalesce(settled_at, created_at) < ${before} AND NOT EXISTS (
          SELECT FROM ${schema}.leases AS lease
          WHERE lease.scope = effect.scope AND lease.execution_id = effect.execution_id
            AND lease.owner IS NOT NULL AND lease.lease_until > clock_timestamp())
      RETURNING 1),
    gone_leases AS (
      DELETE FROM ${schema}.leases WHERE at < ${before} AND lease_until < ${before} RETURNING 1),
    gone_breakers AS (DELETE FROM ${schema}.breakers WHERE written_at < ${before} RETURNING 1)
    ${ERASED}`;

  return {
    async forget(subject) {
      const { scope, threadId } = storeInput.checkedSubject(subject);
      const [row] = await query(forget, [keyColumn(scope), optionalKeyColumn(threadId)]);
      return Number(row?.["erased"] ?? 0);
    },
    async prune(ages) {
      const [row] = await query(prune, [storeInput.checkedAge(ages)]);
      return Number(row?.["erased"] ?? 0);
    },
  };
}
