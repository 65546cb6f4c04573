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

/** What happens at every effect is a function of the schema, whose plan the server keeps; the rest is planned here. */
export function effectsSql(schema: string): EffectsSql {
  const [effects, leases] = [`${schema}.effects`, `${schema}.leases`];
  const places = Array.from({ length: 24 }, (_, index) => `$${index + 1}`).join(", ");
  const claim = `SELECT * FROM ${schema}.claim_effect(${places})`;
  const settle = `SELECT ${schema}.settle_effect($1, $2, $3, $4, $5, $6) AS settled`;
  const extend = `UPDATE ${effects}
    SET lease_until = clock_timestamp() + $4::float8 * interval '1 millisecond'
    WHERE scope = $1 AND status = 'claimed'
      AND (fence IS NULL OR EXISTS (SELECT FROM ${leases}
        WHERE ${leases}.scope = $1 AND ${leases}.token = fence))
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
