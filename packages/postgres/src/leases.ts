import { storeInput } from "@evenkeel/core";
import type { ExecutionLease, HeldLease } from "@evenkeel/core";

import type { Connection } from "./connection.ts";
import { keyColumn, optionalKeyColumn } from "./key-column.ts";

/** Execution leases in the table `leases`, by the server's clock alone. */
export function leaseStore({ query, schema }: Connection): ExecutionLease {
  const leases = `${schema}.leases`;
  const next = `nextval('${schema.replaceAll("'", "''")}.fencing_tokens')`;
  const soon = (place: number): string =>
    `clock_timestamp() + $${place}::float8 * interval '1 millisecond'`;

  const free = `(held.owner IS NULL OR held.owner = excluded.owner
    OR held.lease_until <= clock_timestamp())`;
  const taken = (column: string): string =>
    `${column} = CASE WHEN ${free} THEN excluded.${column} ELSE held.${column} END`;

  // The token of an ended execution goes on too, so that its worker loses it in the same breath.
  const acquire = `WITH ended AS (
      UPDATE ${leases} SET owner = NULL, token = ${next}, lease_until = clock_timestamp()
      WHERE scope = $1 AND execution_id = $6 AND execution_id <> $2),
    got AS (
      INSERT INTO ${leases} AS held
        (scope, execution_id, thread_id, owner, token, lease_until, at)
      VALUES ($1, $2, $3, $4, ${next}, ${soon(5)}, clock_timestamp())
      ON CONFLICT (scope, execution_id) DO UPDATE SET
        ${["owner", "token", "lease_until", "at"].map(taken).join(", ")}
      RETURNING owner, token, lease_until)
    SELECT owner, token::text AS token,
      extract(epoch FROM lease_until - clock_timestamp()) * 1000 AS remaining FROM got`;
  const mine = `scope = $1 AND execution_id = $2 AND token = $3`;
  const renew = `UPDATE ${leases} SET lease_until = ${soon(4)}, at = clock_timestamp()
    WHERE ${mine} AND owner IS NOT NULL RETURNING 1 AS held`;
  const release = `UPDATE ${leases}
    SET owner = NULL, lease_until = clock_timestamp(), at = clock_timestamp()
    WHERE ${mine} RETURNING 1 AS held`;
  const holds = `SELECT 1 AS held FROM ${leases} WHERE ${mine}`;
  const keys = ({ scope, executionId, token }: HeldLease): unknown[] => [
    keyColumn(scope),
    keyColumn(executionId),
    token,
  ];

  return {
    async acquireLease({ scope, executionId, threadId, owner, leaseMs, supersedes }) {
      const [row] = await query(acquire, [
        keyColumn(storeInput.checkedText(scope, "scope")),
        keyColumn(storeInput.checkedText(executionId, "executionId of a lease")),
        optionalKeyColumn(threadId),
        keyColumn(storeInput.checkedText(owner, "owner of a lease")),
        storeInput.checkedLease(leaseMs),
        optionalKeyColumn(supersedes),
      ]);
      const holder = row?.["owner"];
      if (holder === keyColumn(owner)) {
        return { granted: true, lease: { scope, executionId, token: Number(row?.["token"]) } };
      }
      const remainingMs = Math.max(0, Number(row?.["remaining"] ?? 0));
      return { granted: false, owner: typeof holder === "string" ? holder : "", remainingMs };
    },
    async renewLease(lease, leaseMs) {
      const rows = await query(renew, [...keys(lease), storeInput.checkedLease(leaseMs)]);
      return rows.length > 0;
    },
    async releaseLease(lease) {
      return (await query(release, keys(lease))).length > 0;
    },
    async holdsLease(lease) {
      return (await query(holds, keys(lease))).length > 0;
    },
  };
}
