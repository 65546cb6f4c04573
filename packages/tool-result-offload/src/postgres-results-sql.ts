/**
 * The tables of the result store, for the schema `name`. A content without digest is a write under
 * way; the foreign key is what keeps a handle from ever pointing at nothing.
 */
export function resultTablesSql(name: string): string {
  const schema = quoted(name);
  return `
CREATE TABLE ${schema}.result_content (
  id uuid PRIMARY KEY,
  scope text NOT NULL,
  digest text,
  size bigint NOT NULL DEFAULT 0,
  started_at bigint NOT NULL,
  UNIQUE (scope, digest)
);
CREATE INDEX result_content_unfinished ON ${schema}.result_content (started_at) WHERE digest IS NULL;

CREATE TABLE ${schema}.result_chunk (
  content_id uuid NOT NULL REFERENCES ${schema}.result_content ON DELETE CASCADE,
  index integer NOT NULL,
  newlines_before bigint NOT NULL,
  newlines integer NOT NULL,
  bytes bytea NOT NULL,
  PRIMARY KEY (content_id, index)
);
CREATE INDEX result_chunk_by_line
  ON ${schema}.result_chunk (content_id, (newlines_before + newlines), index);

CREATE TABLE ${schema}.result (
  scope text NOT NULL,
  thread text NOT NULL,
  handle text NOT NULL,
  content_id uuid NOT NULL REFERENCES ${schema}.result_content,
  digest text NOT NULL,
  size bigint NOT NULL,
  lines bigint NOT NULL,
  created_at bigint NOT NULL,
  used_at bigint NOT NULL,
  ttl_ms bigint,
  meta text NOT NULL,
  PRIMARY KEY (scope, thread, handle)
);
CREATE INDEX result_by_content ON ${schema}.result (content_id);
CREATE INDEX result_by_use ON ${schema}.result (used_at);
CREATE INDEX result_by_expiry ON ${schema}.result ((used_at + ttl_ms)) WHERE ttl_ms IS NOT NULL;
`;
}

/** The statements of the driver, for the schema `name`. */
export interface ResultStatements {
  readonly insertContent: string;
  readonly insertChunks: string;
  readonly insertWhole: string;
  readonly finishContent: string;
  readonly link: string;
  readonly find: string;
  readonly slice: string;
  readonly lines: string;
  readonly use: string;
  readonly remove: string;
  readonly removeSubject: string;
  readonly removeExpired: string;
  readonly dropContent: string;
  readonly dropUnreferred: string;
  readonly orphans: string;
  readonly usage: string;
  readonly usageOfAll: string;
  readonly leastRecentlyUsed: string;
}

const ENTRY = "handle, digest, size, lines, created_at, used_at, ttl_ms, meta";

// The chunks of a statement arrive as one bytea and where each lies in it: an array of bytea would
// travel as text, at twenty times the cost.
const CHUNKS = `(
  SELECT u.index, u.before, u.newlines, substring($%6::bytea FROM u.start FOR u.length)
  FROM unnest($%1::int[], $%2::bigint[], $%3::int[], $%4::int[], $%5::int[])
    AS u(index, before, newlines, start, length)
)`;

export function resultStatements(name: string): ResultStatements {
  const schema = quoted(name);
  const result = `${schema}.result`;
  const content = `${schema}.result_content`;
  const chunk = `${schema}.result_chunk`;
  const subject = "($1::text IS NULL OR scope = $1) AND ($2::text IS NULL OR thread = $2)";
  const columns = `INSERT INTO ${result} (scope, thread, content_id, ${ENTRY})`;
  const renew = `ON CONFLICT (scope, thread, handle)
    DO UPDATE SET used_at = excluded.used_at, ttl_ms = excluded.ttl_ms RETURNING ${ENTRY}`;
  const values = "$4, $5, $6::bigint, $7::bigint, $8::bigint, $9::bigint, $10::bigint, $11";
  const chunksFrom = (first: number): string =>
    CHUNKS.replace(/%(\d)/g, (_, digit: string) => `${first + Number(digit) - 1}`);
  const withChunks = (condition: string): string => `
    SELECT r.handle, r.digest, r.size, r.lines, r.created_at, r.used_at, r.ttl_ms, r.meta,
      c.index, c.newlines_before, c.newlines, c.bytes
    FROM ${result} r LEFT JOIN LATERAL (
      SELECT * FROM ${chunk} WHERE content_id = r.content_id AND ${condition}
    ) c ON true
    WHERE r.scope = $1 AND r.thread = $2 AND r.handle = $3
    ORDER BY c.index`;
  return {
    insertContent: `INSERT INTO ${content} (id, scope, started_at) VALUES ($1, $2, $3)`,
    insertChunks: `INSERT INTO ${chunk} SELECT $1::uuid, u.* FROM ${chunksFrom(2)} u`,
    insertWhole: `
      WITH c AS (
        INSERT INTO ${content} (id, scope, digest, size, started_at)
        VALUES ($1::uuid, $2, $5, $6::bigint, $8::bigint)
        ON CONFLICT (scope, digest) DO NOTHING RETURNING id
      ), k AS (
        INSERT INTO ${chunk} SELECT c.id, u.* FROM c, ${chunksFrom(12)} u
      )
      ${columns} SELECT $2, $3, c.id, ${values} FROM c ${renew}`,
    finishContent: `
      WITH c AS (
        UPDATE ${content} SET digest = $5, size = $6::bigint WHERE id = $1::uuid RETURNING id
      )
      ${columns} SELECT $2, $3, c.id, ${values} FROM c ${renew}`,
    link: `
      ${columns} SELECT $2, $3, c.id, ${values}
      FROM ${content} c WHERE c.scope = $2 AND c.digest = $5 AND $1::uuid IS NULL ${renew}`,
    find: `SELECT ${ENTRY} FROM ${result} WHERE scope = $1 AND thread = $2 AND handle = $3`,
    slice: withChunks("index >= $4 AND index < $4::int + $5::int"),
    lines: withChunks(`newlines_before + newlines >= $4::bigint - 1 AND newlines_before < $5::bigint
        ORDER BY newlines_before + newlines, index LIMIT $6`),
    use: `UPDATE ${result} SET used_at = $4 WHERE scope = $1 AND thread = $2 AND handle = $3`,
    remove: `
      DELETE FROM ${result} WHERE scope = $1 AND thread = $2 AND handle = $3 RETURNING content_id`,
    removeSubject: `DELETE FROM ${result} WHERE ${subject} RETURNING content_id`,
    removeExpired: `DELETE FROM ${result} WHERE used_at + ttl_ms <= $1 RETURNING content_id`,
    dropContent: `DELETE FROM ${content} WHERE id = $1`,
    dropUnreferred: `
      DELETE FROM ${content} c WHERE id = $1
      AND NOT EXISTS (SELECT FROM ${result} r WHERE r.content_id = c.id)`,
    orphans: `
      SELECT id FROM ${content} c WHERE started_at < $1
      AND NOT EXISTS (SELECT FROM ${result} r WHERE r.content_id = c.id)`,
    usage: `
      SELECT count(*) AS results, coalesce(sum(r.size), 0) AS bytes,
        (SELECT coalesce(sum(size), 0) FROM ${content} WHERE id IN
          (SELECT content_id FROM ${result} WHERE ${subject})) AS stored
      FROM ${result} r WHERE ${subject}`,
    usageOfAll: `
      SELECT (SELECT count(*) FROM ${result}) AS results,
        (SELECT coalesce(sum(size), 0) FROM ${result}) AS bytes,
        coalesce(sum(size), 0) AS stored FROM ${content} WHERE digest IS NOT NULL`,
    leastRecentlyUsed: `
      SELECT scope, thread, handle, size FROM ${result} WHERE ${subject} ORDER BY used_at LIMIT $3`,
  };
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
