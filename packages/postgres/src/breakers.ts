import { storeInput } from "@evenkeel/core";
import type { BreakerRecord, BreakerStore } from "@evenkeel/core";

import type { Connection } from "./connection.ts";
import { keyColumn } from "./key-column.ts";

/** Circuit breakers in the table `breakers`, one row each; waits are counted by the server's clock. */
export function breakerStore({ query, schema, bodies }: Connection): BreakerStore {
  const list = `SELECT body, sealed FROM ${schema}.breakers WHERE scope = $1`;
  const put = `INSERT INTO ${schema}.breakers AS kept (scope, key, since, written_at, body, sealed)
    VALUES ($1, $2, to_timestamp($3::float8 / 1000), now(), $4, $5)
    ON CONFLICT (scope, key) DO UPDATE SET
      since = excluded.since, written_at = excluded.written_at,
      body = excluded.body, sealed = excluded.sealed,
      probe_until = CASE WHEN kept.since = excluded.since THEN kept.probe_until END
    WHERE kept.since <= excluded.since`;
  const claim = `WITH claimed AS (
      UPDATE ${schema}.breakers SET probe_until = now() + $3::float8 * interval '1 millisecond'
      WHERE scope = $1 AND key = $2 AND (probe_until IS NULL OR probe_until <= now())
      RETURNING 1)
    SELECT EXISTS (SELECT FROM claimed)
      OR NOT EXISTS (SELECT FROM ${schema}.breakers WHERE scope = $1 AND key = $2) AS claimed`;
  const release = `UPDATE ${schema}.breakers SET probe_until = NULL WHERE scope = $1 AND key = $2`;

  return {
    async listBreakers(scope) {
      const rows = await query(list, [keyColumn(scope)]);
      return Promise.all(rows.map((row) => bodies.open<BreakerRecord>(row, "A circuit breaker")));
    },
    async putBreaker(scope, record) {
      const json = storeInput.storedJson(record, "A circuit breaker");
      const { body, sealed } = await bodies.seal(json);
      await query(put, [
        keyColumn(storeInput.checkedText(scope, "scope")),
        keyColumn(storeInput.checkedText(record.key, "key of a breaker")),
        storeInput.storedTime(record.since, Date.now()),
        body,
        sealed,
      ]);
    },
    async claimProbe(scope, key, forMs) {
      const age = storeInput.checkedAge({ olderThanMs: forMs });
      const [row] = await query(claim, [keyColumn(scope), keyColumn(key), age]);
      return row?.["claimed"] === true;
    },
    async releaseProbe(scope, key) {
      await query(release, [keyColumn(scope), keyColumn(key)]);
    },
  };
}
