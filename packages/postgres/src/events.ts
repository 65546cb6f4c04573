import { storeInput } from "@evenkeel/core";
import type { EvenkeelEvent, EventStore } from "@evenkeel/core";

import type { Connection } from "./connection.ts";
import { keyColumn, optionalKeyColumn } from "./key-column.ts";

/** Events in the table `events`, one row each under (execution_id, sequence). */
export function eventStore({ query, schema, bodies }: Connection): EventStore {
  // In one order for everybody, so that two writers of the same events cannot block each other.
  const append = `INSERT INTO ${schema}.events
    (scope, execution_id, sequence, thread_id, at, body, sealed)
    SELECT $1, execution_id, sequence, thread_id, to_timestamp(at / 1000), body, sealed
    FROM unnest($2::text[], $3::int[], $4::text[], $5::float8[], $6::text[], $7::bytea[])
      WITH ORDINALITY AS event (execution_id, sequence, thread_id, at, body, sealed, place)
    ORDER BY execution_id COLLATE "C", sequence, place
    ON CONFLICT (execution_id, sequence) DO NOTHING`;
  const last = `SELECT coalesce(max(sequence), 0)::int AS last
    FROM ${schema}.events WHERE execution_id = $1`;
  const list = `SELECT body, sealed FROM ${schema}.events WHERE execution_id = $1 ORDER BY sequence`;

  return {
    async appendEvents(scope, events) {
      storeInput.checkedText(scope, "scope");
      if (storeInput.checkedEvents(events).length === 0) return;
      const now = Date.now();
      const stored = await Promise.all(
        events.map((event) => bodies.seal(storeInput.storedJson(event, "An event"))),
      );
      await query(append, [
        keyColumn(scope),
        events.map(({ executionId }) => keyColumn(executionId)),
        events.map(({ sequence }) => sequence),
        events.map(({ threadId }) => optionalKeyColumn(threadId)),
        events.map(({ at }) => storeInput.storedTime(at, now)),
        stored.map(({ body }) => body),
        stored.map(({ sealed }) => sealed),
      ]);
    },
    async lastSequence(executionId) {
      const [row] = await query(last, [keyColumn(executionId)]);
      return Number(row?.["last"] ?? 0);
    },
    async listEvents(executionId) {
      const rows = await query(list, [keyColumn(executionId)]);
      const what = `An event of execution ${executionId}`;
      return Promise.all(rows.map((row) => bodies.open<EvenkeelEvent>(row, what)));
    },
  };
}
