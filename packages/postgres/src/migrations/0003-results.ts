import type { Migration } from "./migration.ts";

/**
 * Large tool results: handles, the contents they name, and the chunks of those. A content without
 * digest is a write under way; the foreign key keeps a handle from ever pointing at nothing.
 */
export const resultTables: Migration = {
  version: 3,
  name: "results",
  sql: (schema) => `
CREATE TABLE ${schema}.result_contents (
  id uuid PRIMARY KEY,
  scope text COLLATE "C" NOT NULL,
  digest text COLLATE "C",
  size bigint NOT NULL DEFAULT 0,
  started_at timestamptz NOT NULL,
  UNIQUE (scope, digest)
);

CREATE TABLE ${schema}.result_chunks (
  content_id uuid NOT NULL REFERENCES ${schema}.result_contents ON DELETE CASCADE,
  index integer NOT NULL,
  newlines_before bigint NOT NULL,
  newlines integer NOT NULL,
  encrypted boolean NOT NULL,
  bytes bytea NOT NULL,
  PRIMARY KEY (content_id, index)
);
CREATE INDEX result_chunks_by_line
  ON ${schema}.result_chunks (content_id, (newlines_before + newlines), index);

CREATE TABLE ${schema}.results (
  scope text COLLATE "C" NOT NULL,
  thread_id text COLLATE "C" NOT NULL,
  handle text COLLATE "C" NOT NULL,
  content_id uuid NOT NULL REFERENCES ${schema}.result_contents,
  digest text COLLATE "C" NOT NULL,
  size bigint NOT NULL,
  lines bigint NOT NULL,
  created_at timestamptz NOT NULL,
  used_at timestamptz NOT NULL,
  ttl_ms bigint,
  expires_at timestamptz,
  body text,
  sealed bytea,
  PRIMARY KEY (scope, thread_id, handle),
  CHECK ((body IS NULL) <> (sealed IS NULL))
);
CREATE INDEX results_by_content ON ${schema}.results (content_id);
CREATE INDEX results_by_use ON ${schema}.results (used_at);
CREATE INDEX results_by_expiry ON ${schema}.results (expires_at) WHERE expires_at IS NOT NULL;`,
};
