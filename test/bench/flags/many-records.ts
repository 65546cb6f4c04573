import { performance } from "node:perf_hooks";

import type { EvenkeelPostgres } from "@evenkeel/postgres";
import { sweepStale } from "@evenkeel/run-flags";
import type { Pool } from "pg";

/** How long reading takes among a number of records. */
export interface ManyRecords {
  readonly records: number;
  readonly what: string;
  readonly ms: number;
}

/** Fills the table from one record and times what reads it: the sweep, the history, a page of the list. */
export async function measureManyRecords(
  store: EvenkeelPostgres,
  pool: Pool,
  records: number,
): Promise<ManyRecords[]> {
  // Ten in a thousand failed, one in ten thousand is still at work.
  await pool.query(
    `INSERT INTO evenkeel.run_records
       (execution_id, scope, thread_id, status, manifest_hash, started_at, at, body, sealed)
     SELECT 'many-' || n, sample.scope, 'thread-' || n % 10000, made.status, NULL, began, began,
       replace(
         replace(replace(sample.body, sample.execution_id, 'many-' || n), '"completed"', '"' || made.status || '"'),
         sample.started, to_char(began AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')),
       NULL
     FROM (SELECT *, body::jsonb ->> 'startedAt' AS started FROM evenkeel.run_records LIMIT 1) sample,
       generate_series(1, $1::int) n,
       LATERAL (SELECT now() - n * interval '0.5 second' AS began,
         CASE WHEN n % 10000 = 0 THEN 'running' WHEN n % 100 = 0 THEN 'failed' ELSE 'completed' END
           AS status) made`,
    [records],
  );
  await pool.query("ANALYZE evenkeel.run_records");
  const timed = async (what: string, work: () => Promise<unknown>): Promise<ManyRecords> => {
    const begun = performance.now();
    await work();
    return { records, what, ms: Math.round(performance.now() - begun) };
  };
  return [
    await timed("500 newest good runs", () =>
      store.listRecords({ status: "completed", limit: 500 }),
    ),
    await timed("a sweep that finds the dead", () => sweepStale({ store, olderThanMs: 3_600_000 })),
    await timed("a sweep that finds nothing", () => sweepStale({ store, olderThanMs: 3_600_000 })),
    await timed("50 newest failed runs", () => store.listRecords({ status: "failed", limit: 50 })),
  ];
}
