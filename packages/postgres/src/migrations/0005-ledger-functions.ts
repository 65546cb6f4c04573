import type { Migration } from "./migration.ts";

/**
 * The statements around every effect and every run, as functions: a server keeps their plans with
 * its connection, where a statement of its own is planned each time. A pooler that lends connections
 * by the transaction does no harm to that, as it would to a statement prepared under a name.
 */
export const ledgerFunctions: Migration = {
  version: 5,
  name: "ledger-functions",
  sql: (schema) =>
    [indexes, claimEffect, settleEffect, acquireLease, releaseLease]
      .map((part) => part(schema))
      .join("\n\n"),
};

/**
 * A plan is kept from when the tables were small until they are analyzed, and by then must not have
 * gone through a whole table, nor taken an index that finds by scope alone: a tenant may have any
 * number of effects. So only the primary key begins with the scope.
 */
function indexes(schema: string): string {
  return `DROP INDEX ${schema}.effects_by_execution;
DROP INDEX ${schema}.effects_by_thread;
CREATE INDEX effects_by_execution ON ${schema}.effects (execution_id, tool, scope);
CREATE INDEX effects_by_thread ON ${schema}.effects (thread_id, scope);`;
}

/** The scope as no index finds it, for rows that are found by their execution. */
const SCOPE_TOO = `scope || '' = new_scope`;

const COLUMNS = `scope, key, execution_id, thread_id, tool, effect, status, args_hash, plan, ordinal,
  call_ids, claim_id, token::text, asked, body, sealed, result, sealed_result,
  (extract(epoch FROM created_at) * 1000)::float8, (extract(epoch FROM settled_at) * 1000)::float8,
  (extract(epoch FROM lease_until - clock_timestamp()) * 1000)::float8`;

// What was just sent is not sent back.
const WITHOUT_BODY = COLUMNS.replace("body, sealed,", "NULL::text, NULL::bytea,");

const nextToken = (schema: string): string =>
  `nextval('${schema.replaceAll("'", "''")}.fencing_tokens')`;

const soon = `clock_timestamp() + lease_ms * interval '1 millisecond'`;

/**
 * Finds the effect a claim means, and creates, takes, parks or leaves it. Two claims of one key meet
 * at its row, where the second waits for the first and sees what it left.
 */
function claimEffect(schema: string): string {
  const effects = `${schema}.effects`;
  const same = `(mine.args_hash = excluded.args_hash OR mine.call_ids && excluded.call_ids)`;
  // Its own time alone: a worker that lost its execution may be just about to let the effect happen.
  const dead = `(mine.status = 'claimed' AND mine.claim_id <> excluded.claim_id
        AND mine.lease_until <= clock_timestamp())`;
  const takes = `(${same} AND (mine.status IN ('failed', 'void') OR (take = 'dead' AND ${dead})
        OR (mine.status = 'unknown' AND mine.token = decided)))`;
  const taken = (column: string): string =>
    `${column} = CASE WHEN ${takes} THEN excluded.${column} ELSE mine.${column} END`;

  // Of a plan that this one may stand for: not of one that holds beside it.
  const open = `plan <> new_plan AND plan <> ALL (standing_plans) AND NOT EXISTS (
          SELECT FROM unnest(beside_steps, beside_tasks) AS beside (step, task)
          WHERE starts_with(plan, beside.step) AND NOT starts_with(plan, beside.task))`;

  const insert = (key: string, condition: string): string => `
    INSERT INTO ${effects} AS mine (scope, key, execution_id, thread_id, tool, effect, status,
      args_hash, plan, ordinal, call_ids, claim_id, token, fence, lease_until, asked, created_at,
      body, sealed)
    SELECT new_scope, ${key}, new_execution, new_thread, new_tool, new_effect, 'claimed',
      new_args, new_plan, new_ordinal, CASE WHEN new_call IS NULL THEN '{}' ELSE ARRAY[new_call] END,
      new_claim, ${nextToken(schema)}, new_fence, ${soon}, new_asked, clock_timestamp(), new_body,
      new_sealed
    WHERE ${condition}`;

  return `CREATE FUNCTION ${schema}.claim_effect(
  new_scope text, new_key text, new_execution text, new_thread text, new_tool text,
  new_effect text, new_args text, new_plan text, new_ordinal integer, new_call text,
  new_claim text, new_fence bigint, lease_ms float8, new_asked text, new_body text,
  new_sealed bytea, take text, planned text[], replan boolean, answered text[], decided bigint,
  standing_plans text[], beside_steps text[], beside_tasks text[]
) RETURNS TABLE (
  found text, scope text, key text, execution_id text, thread_id text, tool text, effect text,
  status text, args_hash text, plan text, ordinal integer, call_ids text[], claim_id text,
  token text, asked text, body text, sealed bytea, result text, sealed_result bytea,
  created float8, settled float8, remaining float8
) LANGUAGE plpgsql SET enable_seqscan = off AS $claim$
#variable_conflict use_column
DECLARE
  held boolean := new_fence IS NULL OR EXISTS (SELECT FROM ${schema}.leases AS lease
    WHERE lease.scope = new_scope AND lease.token = new_fence);
BEGIN
  IF NOT held THEN
    RETURN;
  END IF;

  -- Nothing that this call could stand for: the common case, a new effect of a plan under way.
  IF new_call IS NULL OR NOT EXISTS (SELECT FROM ${effects} AS other
    WHERE other.execution_id = new_execution AND other.tool = new_tool AND other.${SCOPE_TOO}
      AND (other.status IN ('failed', 'unknown') OR new_call = ANY (other.call_ids)
        OR (other.plan <> new_plan AND other.plan <> ALL (standing_plans))))
  THEN
    RETURN QUERY ${insert("new_key", "true")}
    ON CONFLICT (scope, key) DO NOTHING
    RETURNING 'new', ${WITHOUT_BODY};
    IF FOUND THEN
      RETURN;
    END IF;
  END IF;

  RETURN QUERY WITH others AS MATERIALIZED (
      SELECT key, args_hash, ordinal, plan, status, created_at, call_ids FROM ${effects}
      WHERE execution_id = new_execution AND tool = new_tool AND ${SCOPE_TOO}
        AND new_call IS NOT NULL AND cardinality(call_ids) > 0),
    known AS MATERIALIZED (
      SELECT key FROM (
        SELECT key, 1 AS rank, created_at, 0 AS ordinal FROM ${effects}
          WHERE scope = new_scope AND key = new_key
        UNION ALL SELECT key, 2, created_at, ordinal FROM others WHERE new_call = ANY (call_ids)
        UNION ALL SELECT key, 3, created_at, ordinal FROM others
          WHERE args_hash = new_args AND ordinal = new_ordinal AND ${open}
        UNION ALL SELECT key, 4, created_at, ordinal FROM others
          WHERE args_hash = new_args AND status IN ('failed', 'unknown') AND call_ids && answered
      ) AS one ORDER BY rank, created_at, ordinal, key LIMIT 1),
    candidates AS MATERIALIZED (
      SELECT key FROM others WHERE NOT replan AND ${open} AND status <> 'void'
        AND NOT (args_hash || '#' || ordinal = ANY (planned)) AND NOT EXISTS (SELECT FROM known)),
    met AS (${insert("coalesce((SELECT key FROM known), new_key)", "NOT EXISTS (SELECT FROM candidates)")}
      ON CONFLICT (scope, key) DO UPDATE SET
        status = CASE WHEN ${takes} THEN 'claimed' WHEN ${same} AND ${dead} THEN 'unknown'
          ELSE mine.status END,
        ${["claim_id", "token", "fence", "effect"].map(taken).join(", ")},
        lease_until = CASE WHEN ${takes} OR mine.claim_id = excluded.claim_id
          THEN excluded.lease_until ELSE mine.lease_until END,
        plan = CASE WHEN ${same} AND new_call IS NOT NULL THEN excluded.plan ELSE mine.plan END,
        call_ids = CASE WHEN ${same} AND NOT mine.call_ids @> excluded.call_ids
          THEN mine.call_ids || excluded.call_ids ELSE mine.call_ids END,
        asked = CASE WHEN ${same} THEN coalesce(excluded.asked, mine.asked) ELSE mine.asked END
      RETURNING *)
    SELECT 'met', ${COLUMNS} FROM met
    UNION ALL
    SELECT * FROM (SELECT 'candidate', ${COLUMNS} FROM ${effects}
      WHERE scope = new_scope AND key IN (SELECT key FROM candidates)
      ORDER BY created_at, ordinal, key) AS listed;
END
$claim$;`;
}

/** Records how an effect came out, for who still holds both its claim and its execution. */
function settleEffect(schema: string): string {
  return `CREATE FUNCTION ${schema}.settle_effect(
  of_scope text, of_key text, of_token bigint, outcome text, new_result text, new_sealed bytea
) RETURNS boolean LANGUAGE plpgsql SET enable_seqscan = off AS $settle$
BEGIN
  UPDATE ${schema}.effects AS mine
  SET status = outcome, result = new_result, sealed_result = new_sealed,
    settled_at = clock_timestamp()
  WHERE mine.scope = of_scope AND mine.key = of_key AND mine.token = of_token
    AND (mine.status IN ('claimed', 'unknown') OR mine.status = outcome)
    AND (mine.fence IS NULL OR (SELECT true FROM ${schema}.leases AS lease
      WHERE lease.token = mine.fence AND lease.scope = of_scope));
  RETURN FOUND;
END
$settle$;`;
}

function acquireLease(schema: string): string {
  const leases = `${schema}.leases`;
  const next = nextToken(schema);
  const free = `(held.owner IS NULL OR held.owner = excluded.owner
      OR held.lease_until <= clock_timestamp())`;
  const taken = (column: string): string =>
    `${column} = CASE WHEN ${free} THEN excluded.${column} ELSE held.${column} END`;
  return `CREATE FUNCTION ${schema}.acquire_lease(
  new_scope text, new_execution text, new_thread text, new_owner text, lease_ms float8, ended text
) RETURNS TABLE (owner text, token text, remaining float8) LANGUAGE plpgsql SET enable_seqscan = off AS $acquire$
#variable_conflict use_column
BEGIN
  -- The token of an ended execution goes on too, so that its worker loses it in the same breath.
  IF ended <> new_execution THEN
    UPDATE ${leases} SET owner = NULL, token = ${next}, lease_until = clock_timestamp()
    WHERE scope = new_scope AND execution_id = ended;
  END IF;
  RETURN QUERY INSERT INTO ${leases} AS held
      (scope, execution_id, thread_id, owner, token, lease_until, at)
    VALUES (new_scope, new_execution, new_thread, new_owner, ${next}, ${soon}, clock_timestamp())
    ON CONFLICT (scope, execution_id) DO UPDATE SET
      ${["owner", "token", "lease_until", "at"].map(taken).join(", ")}
    RETURNING held.owner, held.token::text,
      (extract(epoch FROM held.lease_until - clock_timestamp()) * 1000)::float8;
END
$acquire$;`;
}

function releaseLease(schema: string): string {
  return `CREATE FUNCTION ${schema}.release_lease(of_scope text, of_execution text, of_token bigint)
RETURNS boolean LANGUAGE plpgsql SET enable_seqscan = off AS $release$
BEGIN
  UPDATE ${schema}.leases
  SET owner = NULL, lease_until = clock_timestamp(), at = clock_timestamp()
  WHERE scope = of_scope AND execution_id = of_execution AND token = of_token;
  RETURN FOUND;
END
$release$;`;
}
