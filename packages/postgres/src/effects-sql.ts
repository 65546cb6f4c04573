/** The statements of the effect ledger, for a schema given as a quoted identifier. */
export interface EffectsSql {
  readonly claim: string;
  readonly settle: string;
  readonly extend: string;
  readonly lookup: string;
  readonly list: string;
}

const COLUMNS = `scope, key, execution_id, thread_id, tool, effect, status, args_hash, plan, ordinal,
  call_ids, claim_id, token::text AS token, asked, body, sealed, result, sealed_result,
  extract(epoch FROM created_at) * 1000 AS created, extract(epoch FROM settled_at) * 1000 AS settled,
  extract(epoch FROM lease_until - clock_timestamp()) * 1000 AS remaining`;

/**
 * A claim is one statement: it finds the effect it means, and creates, takes, parks or leaves it. Two
 * claims of one key meet at its row, where the second waits for the first and sees what it left.
 */
export function effectsSql(schema: string): EffectsSql {
  const [effects, leases] = [`${schema}.effects`, `${schema}.leases`];
  const next = `nextval('${schema.replaceAll("'", "''")}.fencing_tokens')`;
  const held = (fence: string): string =>
    `(${fence} IS NULL OR EXISTS (SELECT FROM ${leases} WHERE ${leases}.scope = $1 AND ${leases}.token = ${fence}))`;
  const soon = (place: number): string =>
    `clock_timestamp() + $${place}::float8 * interval '1 millisecond'`;

  const same = `(mine.args_hash = excluded.args_hash OR mine.call_ids && excluded.call_ids)`;
  // Its own time alone: a worker that lost its execution may be just about to let the effect happen.
  const dead = `(mine.status = 'claimed' AND mine.claim_id <> excluded.claim_id
    AND mine.lease_until <= clock_timestamp())`;
  const takes = `(${same} AND (mine.status IN ('failed', 'void') OR ($17 = 'dead' AND ${dead})
    OR (mine.status = 'unknown' AND mine.token = $21::bigint)))`;
  const taken = (column: string): string =>
    `${column} = CASE WHEN ${takes} THEN excluded.${column} ELSE mine.${column} END`;

  // Of a plan that this one may stand for: not of one that holds beside it.
  const open = `plan <> $8 AND plan <> ALL ($22::text[]) AND NOT EXISTS (
    SELECT FROM unnest($23::text[], $24::text[]) AS beside (step, task)
    WHERE starts_with(plan, beside.step) AND NOT starts_with(plan, beside.task))`;

  const claim = `WITH others AS MATERIALIZED (
      SELECT key, args_hash, ordinal, plan, status, created_at, call_ids FROM ${effects}
      WHERE scope = $1 AND execution_id = $3 AND tool = $5 AND $10::text IS NOT NULL
        AND cardinality(call_ids) > 0),
    known AS MATERIALIZED (
      SELECT key FROM (
        SELECT key, 1 AS rank, created_at, 0 AS ordinal FROM ${effects} WHERE scope = $1 AND key = $2
        UNION ALL SELECT key, 2, created_at, ordinal FROM others WHERE $10 = ANY (call_ids)
        UNION ALL SELECT key, 3, created_at, ordinal FROM others
          WHERE args_hash = $7 AND ordinal = $9 AND ${open}
        UNION ALL SELECT key, 4, created_at, ordinal FROM others
          WHERE args_hash = $7 AND status IN ('failed', 'unknown') AND call_ids && $20::text[]
      ) AS found ORDER BY rank, created_at, ordinal, key LIMIT 1),
    candidates AS MATERIALIZED (
      SELECT key FROM others WHERE NOT $19::boolean AND ${open} AND status <> 'void'
        AND NOT (args_hash || '#' || ordinal = ANY ($18::text[])) AND NOT EXISTS (SELECT FROM known)),
    met AS (
      INSERT INTO ${effects} AS mine (scope, key, execution_id, thread_id, tool, effect, status,
        args_hash, plan, ordinal, call_ids, claim_id, token, fence, lease_until, asked, created_at,
        body, sealed)
      SELECT $1, coalesce((SELECT key FROM known), $2), $3, $4, $5, $6, 'claimed', $7, $8, $9,
        CASE WHEN $10::text IS NULL THEN '{}' ELSE ARRAY[$10::text] END, $11, ${next}, $12::bigint,
        ${soon(13)}, $14, clock_timestamp(), $15, $16::bytea
      WHERE ${held("$12::bigint")} AND NOT EXISTS (SELECT FROM candidates)
      ON CONFLICT (scope, key) DO UPDATE SET
        status = CASE WHEN ${takes} THEN 'claimed' WHEN ${same} AND ${dead} THEN 'unknown'
          ELSE mine.status END,
        ${["claim_id", "token", "fence", "effect"].map(taken).join(", ")},
        lease_until = CASE WHEN ${takes} OR mine.claim_id = excluded.claim_id
          THEN excluded.lease_until ELSE mine.lease_until END,
        plan = CASE WHEN ${same} AND $10::text IS NOT NULL THEN excluded.plan ELSE mine.plan END,
        call_ids = CASE WHEN ${same} AND NOT mine.call_ids @> excluded.call_ids
          THEN mine.call_ids || excluded.call_ids ELSE mine.call_ids END,
        asked = CASE WHEN ${same} THEN coalesce(excluded.asked, mine.asked) ELSE mine.asked END
      RETURNING *)
    SELECT 'met' AS found, ${COLUMNS} FROM met
    UNION ALL
    SELECT * FROM (SELECT 'candidate', ${COLUMNS} FROM ${effects}
      WHERE scope = $1 AND key IN (SELECT key FROM candidates)
      ORDER BY created_at, ordinal, key) AS listed`;

  const mine = `scope = $1 AND key = $2 AND token = $3 AND ${held("fence")}`;
  const settle = `UPDATE ${effects} SET status = $4, result = $5, sealed_result = $6::bytea,
      settled_at = clock_timestamp()
    WHERE ${mine} AND (status IN ('claimed', 'unknown') OR status = $4) RETURNING 1 AS settled`;
  const extend = `UPDATE ${effects} SET lease_until = ${soon(4)}
    WHERE scope = $1 AND status = 'claimed' AND ${held("fence")}
      AND (key, token) IN (SELECT * FROM unnest($2::text[], $3::bigint[]))
    RETURNING key, token::text AS token`;
  const lookup = `SELECT ${COLUMNS} FROM ${effects} WHERE scope = $1 AND key = $2`;
  const list = `SELECT ${COLUMNS} FROM ${effects}
    WHERE scope = $1
      AND ($2::text IS NULL OR execution_id = $2)
      AND ($3::text IS NULL OR thread_id = $3)
      AND ($4::text IS NULL OR status = $4)
      AND ($5::text IS NULL OR tool = $5)
    ORDER BY created_at, ordinal, key LIMIT $6::bigint`;
  return { claim, settle, extend, lookup, list };
}
