import { storeInput } from "@evenkeel/core";
import type { ExecutionLease, HeldLease } from "@evenkeel/core";

import type { Connection } from "./connection.ts";
import { keyColumn, optionalKeyColumn } from "./key-column.ts";

/** Execution leases in the table `leases`, by the server's clock alone. */
export function leaseStore({ query, schema }: Connection): ExecutionLease {
  const leases = `${schema}.leases`;
  const acquire = `SELECT * FROM ${schema}.acquire_lease($1, $2, $3, $4, $5, $6)`;
  const mine = `scope = $1 AND execution_id = $2 AND token = $3`;
  const renew = `UPDATE ${leases} SET lease_until = clock_timestamp() + $4::float8 * interval '1 millisecond', at = clock_timestamp()
    WHERE ${mine} AND owner IS NOT NULL RETURNING 1 AS held`;
  const release = `SELECT ${schema}.release_lease($1, $2, $3) AS held`;
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
      const [row] = await query(release, keys(lease));
      return row?.["held"] === true;
    },
    async holdsLease(lease) {
      return (await query(holds, keys(lease))).length > 0;
    },
  };
}
