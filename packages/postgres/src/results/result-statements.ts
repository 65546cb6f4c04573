/** The statements of the result store, for a schema given as a quoted identifier. */
export interface ResultStatements {
  readonly insertContent: string;
  readonly insertChunks: string;
  readonly insertWhole: string;
  readonly finishContent: string;
  readonly dropContent: string;
  readonly link: string;
  readonly find: string;
  readonly slice: string;
  readonly lines: string;
  readonly touch: string;
  readonly remove: string;
  readonly evict: string;
  readonly removeSubject: string;
  readonly removeOld: string;
  readonly collect: string;
  readonly collectOrphans: string;
  readonly usage: string;
  readonly usageOfAll: string;
}

/** More than that go in another turn. */
const MOST_EVICTED = 1_000;

const at = (milliseconds: string): string => `to_timestamp((${milliseconds})::float8 / 1000)`;

const COLUMNS = ["handle", "digest", "size", "lines", "ttl_ms", "body", "sealed"];
const MOMENTS = ["created_at", "used_at"];

/** A result's columns, moments as epoch milliseconds. */
function rowOf(table: string): string {
  const moments = MOMENTS.map(
    (moment) => `(extract(epoch FROM ${table}.${moment}) * 1000)::float8 AS ${moment}`,
  );
  return [...COLUMNS.map((column) => `${table}.${column}`), ...moments].join(", ");
}

/** Chunks arrive as one bytea and where each lies in it: an array of bytea travels as text, at twenty times the cost. */
function chunksFrom(first: number): string {
  const of = (offset: number, type: string): string => `$${first + offset}::${type}`;
  return `(
    SELECT c.index, c.before, c.newlines, ${of(6, "boolean")},
      substring(${of(5, "bytea")} FROM c.start FOR c.length)
    FROM unnest(${of(0, "int[]")}, ${of(1, "bigint[]")}, ${of(2, "int[]")}, ${of(3, "int[]")}, ${of(4, "int[]")})
      AS c (index, before, newlines, start, length)
  )`;
}

/** Values $1 to $12: content, scope, thread, then the result's own in the order of `resultValues`. */
export function resultStatements(schema: string): ResultStatements {
  const results = `${schema}.results`;
  const contents = `${schema}.result_contents`;
  const chunks = `${schema}.result_chunks`;
  const subject = "($1::text IS NULL OR scope = $1) AND ($2::text IS NULL OR thread_id = $2)";
  const owned = "scope = $1 AND thread_id = $2 AND handle = $3";
  const insertFrom = (from: string): string => `
    INSERT INTO ${results} AS r (scope, thread_id, content_id, handle, digest, size, lines,
      created_at, used_at, ttl_ms, expires_at, body, sealed)
    SELECT $2::text, $3::text, c.id, $4::text, $5::text, $6::bigint, $7::bigint,
      ${at("$8")}, ${at("$9")}, $10::bigint, ${at("$9::float8 + $10::bigint")}, $11::text, $12::bytea
    FROM ${from}
    ON CONFLICT (scope, thread_id, handle) DO UPDATE SET
      used_at = excluded.used_at, ttl_ms = excluded.ttl_ms, expires_at = excluded.expires_at
    RETURNING ${rowOf("r")}`;
  const withChunks = (condition: string): string => `
    SELECT ${rowOf("r")}, c.index, c.newlines_before, c.newlines, c.encrypted, c.bytes
    FROM ${results} r LEFT JOIN LATERAL (
      SELECT * FROM ${chunks} WHERE content_id = r.content_id AND ${condition}
    ) c ON true
    WHERE r.scope = $1 AND r.thread_id = $2 AND r.handle = $3
    ORDER BY c.index`;
  const unnamed = `NOT EXISTS (SELECT FROM ${results} r WHERE r.content_id = c.id)`;
  const removed = "RETURNING content_id";
  return {
    insertContent: `
      INSERT INTO ${contents} (id, scope, started_at) VALUES ($1, $2, ${at("$3")})`,
    // Nothing where a prune has dropped the content meanwhile; the commit finds that out.
    insertChunks: `INSERT INTO ${chunks} SELECT o.id, c.* FROM ${contents} o, ${chunksFrom(2)} c
      WHERE o.id = $1::uuid`,
    insertWhole: `
      WITH c AS (
        INSERT INTO ${contents} (id, scope, digest, size, started_at)
        VALUES ($1::uuid, $2, $5, $6::bigint, ${at("$8")})
        ON CONFLICT (scope, digest) DO NOTHING RETURNING id
      ), k AS (
        INSERT INTO ${chunks} SELECT c.id, k.* FROM c, ${chunksFrom(13)} k
      )
      ${insertFrom("c")}`,
    finishContent: `
      WITH c AS (
        UPDATE ${contents} SET digest = $5, size = $6::bigint WHERE id = $1::uuid
          AND NOT EXISTS (SELECT FROM ${contents} WHERE scope = $2 AND digest = $5)
        RETURNING id
      )
      ${insertFrom("c")}`,
    dropContent: `DELETE FROM ${contents} WHERE id = $1`,
    link: insertFrom(`${contents} c WHERE c.scope = $2 AND c.digest = $5 AND $1::uuid IS NULL`),
    find: `SELECT ${rowOf("r")} FROM ${results} r WHERE ${owned}`,
    slice: withChunks("index >= $4::int AND index < $4::int + $5::int"),
    lines: withChunks(`newlines_before + newlines >= $4::bigint - 1 AND newlines_before < $5::bigint
      ORDER BY newlines_before + newlines, index LIMIT $6::int`),
    touch: `UPDATE ${results} SET used_at = ${at("$4")}, expires_at = ${at("$4::float8 + ttl_ms")}
      WHERE ${owned} RETURNING handle`,
    remove: `DELETE FROM ${results} WHERE ${owned} ${removed}`,
    evict: `
      WITH oldest AS (
        SELECT scope, thread_id, handle, size, used_at FROM ${results}
        WHERE ${subject} AND (scope, thread_id, handle) <> ($3, $4, $5)
        ORDER BY used_at, handle LIMIT ${MOST_EVICTED}
      ), counted AS (
        SELECT *, sum(size) OVER (ORDER BY used_at, handle ROWS UNBOUNDED PRECEDING) - size AS before
        FROM oldest
      )
      DELETE FROM ${results} r USING counted c
      WHERE c.before < $6::bigint
        AND (r.scope, r.thread_id, r.handle) = (c.scope, c.thread_id, c.handle) ${removed}`,
    removeSubject: `DELETE FROM ${results} WHERE ${subject} ${removed}`,
    removeOld: `DELETE FROM ${results}
      WHERE expires_at <= now() OR used_at < now() - $1::float8 * interval '1 millisecond' ${removed}`,
    collect: `DELETE FROM ${contents} c WHERE id = ANY($1::uuid[]) AND ${unnamed}`,
    collectOrphans: `DELETE FROM ${contents} c
      WHERE started_at < now() - $1::float8 * interval '1 millisecond' AND ${unnamed} RETURNING id`,
    usage: `
      SELECT count(*) AS results, coalesce(sum(size), 0) AS bytes,
        (SELECT coalesce(sum(size), 0) FROM ${contents} WHERE id IN
          (SELECT content_id FROM ${results} WHERE ${subject})) AS stored
      FROM ${results} WHERE ${subject}`,
    usageOfAll: `
      SELECT (SELECT count(*) FROM ${results}) AS results,
        (SELECT coalesce(sum(size), 0) FROM ${results}) AS bytes,
        coalesce(sum(size), 0) AS stored FROM ${contents} WHERE digest IS NOT NULL`,
  };
}
