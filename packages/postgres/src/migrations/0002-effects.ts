import type { Migration } from "./migration.ts";

/** Side effects and execution leases. */
export const effects: Migration = {
  version: 2,
  name: "effects",
  sql: (schema) => `
CREATE SEQUENCE ${schema}.fencing_tokens;

CREATE TABLE ${schema}.leases (
  scope text COLLATE "C" NOT NULL,
  execution_id text COLLATE "C" NOT NULL,
  thread_id text COLLATE "C",
  owner text COLLATE "C",
  token bigint NOT NULL,
  lease_until timestamptz NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (scope, execution_id)
);
CREATE UNIQUE INDEX leases_by_token ON ${schema}.leases (token);
CREATE INDEX leases_by_thread ON ${schema}.leases (scope, thread_id);

CREATE TABLE ${schema}.effects (
  scope text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  execution_id text COLLATE "C" NOT NULL,
  thread_id text COLLATE "C",
  tool text COLLATE "C" NOT NULL,
  effect text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL,
  args_hash text COLLATE "C" NOT NULL,
  plan text COLLATE "C" NOT NULL,
  ordinal integer NOT NULL,
  call_ids text[] COLLATE "C" NOT NULL,
  claim_id text COLLATE "C" NOT NULL,
  token bigint NOT NULL,
  fence bigint,
  lease_until timestamptz NOT NULL,
  asked text COLLATE "C",
  created_at timestamptz NOT NULL,
  settled_at timestamptz,
  body text,
  sealed bytea,
  result text,
  sealed_result bytea,
  PRIMARY KEY (scope, key),
  CHECK ((body IS NULL) <> (sealed IS NULL)),
  CHECK (result IS NULL OR sealed_result IS NULL)
);
CREATE INDEX effects_by_execution ON ${schema}.effects (scope, execution_id, tool);
CREATE INDEX effects_by_thread ON ${schema}.effects (scope, thread_id);
CREATE INDEX effects_by_age ON ${schema}.effects USING brin (created_at);`,
};
