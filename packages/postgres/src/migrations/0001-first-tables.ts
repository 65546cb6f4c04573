import type { Migration } from "./migration.ts";

/** Events, run records, manifests and the audit trail. */
export const firstTables: Migration = {
  version: 1,
  name: "first-tables",
  sql: (schema) => `
CREATE TABLE ${schema}.events (
  execution_id text COLLATE "C" NOT NULL,
  sequence integer NOT NULL,
  scope text COLLATE "C" NOT NULL,
  thread_id text COLLATE "C",
  at timestamptz NOT NULL,
  body text,
  sealed bytea,
  PRIMARY KEY (execution_id, sequence),
  CHECK ((body IS NULL) <> (sealed IS NULL))
);
CREATE INDEX events_by_scope ON ${schema}.events (scope, thread_id);
CREATE INDEX events_by_age ON ${schema}.events USING brin (at);

CREATE TABLE ${schema}.run_records (
  execution_id text COLLATE "C" PRIMARY KEY,
  scope text COLLATE "C" NOT NULL,
  thread_id text COLLATE "C",
  status text COLLATE "C" NOT NULL,
  manifest_hash text COLLATE "C",
  started_at timestamptz NOT NULL,
  at timestamptz NOT NULL,
  body text,
  sealed bytea,
  CHECK ((body IS NULL) <> (sealed IS NULL))
);
CREATE INDEX run_records_by_scope ON ${schema}.run_records (scope, thread_id);
CREATE INDEX run_records_by_start ON ${schema}.run_records (started_at DESC, execution_id DESC);

CREATE TABLE ${schema}.manifests (
  scope text COLLATE "C" NOT NULL,
  hash text COLLATE "C" NOT NULL,
  used_at timestamptz NOT NULL,
  body text,
  sealed bytea,
  PRIMARY KEY (scope, hash),
  CHECK ((body IS NULL) <> (sealed IS NULL))
);

CREATE TABLE ${schema}.audit (
  id text COLLATE "C" PRIMARY KEY,
  execution_id text COLLATE "C",
  thread_id text COLLATE "C",
  scope text COLLATE "C",
  at timestamptz NOT NULL,
  body text,
  sealed bytea,
  CHECK ((body IS NULL) <> (sealed IS NULL))
);
CREATE INDEX audit_by_scope ON ${schema}.audit (scope, thread_id);
CREATE INDEX audit_by_execution ON ${schema}.audit (execution_id);`,
};
