import { MIGRATIONS } from "./migrations.ts";
import type { Migration } from "./migrations/migration.ts";
import { quoted } from "./schema-name.ts";

/** The SQLSTATE by which the script says that the schema is of a newer release. */
export const NEWER_SCHEMA_STATE = "EK001";

/**
 * The script that brings a schema up to date, whatever state it is in: one transaction under a
 * lock that ends with it, so any number of processes may run it at once, behind PgBouncer too.
 */
export function setupScript(schema: string, migrations: readonly Migration[] = MIGRATIONS): string {
  const name = quoted(schema);
  const newest = Math.max(...migrations.map(({ version }) => version));
  return `BEGIN ISOLATION LEVEL READ COMMITTED;
DO $evenkeel$
DECLARE
  found integer;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('evenkeel:setup:${schema}', 0));
  IF to_regnamespace('${name}') IS NULL THEN
    CREATE SCHEMA ${name};
  END IF;
  IF to_regclass('${name}.migrations') IS NULL THEN
    CREATE TABLE ${name}.migrations (
      version integer PRIMARY KEY,
      name text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now()
    );
  END IF;
  SELECT coalesce(max(version), 0) INTO found FROM ${name}.migrations;
  IF found > ${newest} THEN
    RAISE EXCEPTION 'schema ${name} is of version %, this release knows ${newest}', found
      USING ERRCODE = '${NEWER_SCHEMA_STATE}';
  END IF;
${migrations.map((migration) => step(name, migration)).join("\n")}
END
$evenkeel$;
COMMIT;
`;
}

function step(schema: string, { version, name, sql }: Migration): string {
  return `  IF found < ${version} THEN
${sql(schema)
  .trim()
  .replaceAll(/^(?=.)/gm, "    ")}
    INSERT INTO ${schema}.migrations (version, name) VALUES (${version}, '${name}');
  END IF;`;
}

/** What is asked to learn the version a schema is at. */
export function versionQuery(schema: string): string {
  return `SELECT coalesce(max(version), 0)::int AS version FROM ${quoted(schema)}.migrations`;
}
