import type { Migration } from "./migration.ts";

/** Circuit breakers: which are open, since when, and who has the trial call. */
export const breakers: Migration = {
  version: 4,
  name: "breakers",
  sql: (schema) => `
CREATE TABLE ${schema}.breakers (
  scope text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  since timestamptz NOT NULL,
  written_at timestamptz NOT NULL,
  probe_until timestamptz,
  body text,
  sealed bytea,
  PRIMARY KEY (scope, key),
  CHECK ((body IS NULL) <> (sealed IS NULL))
);
CREATE INDEX breakers_by_age ON ${schema}.breakers (written_at);`,
};
