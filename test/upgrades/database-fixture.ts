import type { FreshDatabase } from "@evenkeel/testing";

/** A database as a release left it: the statements that make its tables, and their rows as JSON. */
export interface DatabaseFixture {
  readonly setup: readonly string[];
  /** Rows by table; tables others refer to come first. */
  readonly tables: Readonly<Record<string, readonly object[]>>;
  readonly fencingToken: number;
}

/** The schemas of the fixture's tables, also where all of the test lies in a schema of its own. */
export function schemaOf({ schema }: FreshDatabase, name: "checkpoints" | "evenkeel"): string {
  return schema === undefined ? name : `${schema}_${name}`;
}

/** A table of the fixture as this database names it. */
function placeOf(database: FreshDatabase, table: string): string {
  const [schema, name] = table.split(".");
  return `"${schemaOf(database, schema === "evenkeel" ? "evenkeel" : "checkpoints")}".${name}`;
}

const CHECKPOINTS = [
  "checkpoint_migrations",
  "checkpoints",
  "checkpoint_blobs",
  "checkpoint_writes",
];
const EVENKEEL = [
  "events",
  "run_records",
  "manifests",
  "audit",
  "leases",
  "effects",
  "result_contents",
  "result_chunks",
  "results",
  "breakers",
];
const TABLES = [
  ...CHECKPOINTS.map((name) => `checkpoints.${name}`),
  ...EVENKEEL.map((name) => `evenkeel.${name}`),
];

/** Reads what lies in a database. */
export async function dumpDatabase(
  database: FreshDatabase,
  setup: readonly string[],
): Promise<DatabaseFixture> {
  const { pool } = database;
  const tables: Record<string, readonly object[]> = {};
  for (const table of TABLES) {
    const { rows } = await pool.query<{ all: object[] }>(
      `SELECT coalesce(json_agg(one), '[]') AS all FROM ${placeOf(database, table)} AS one`,
    );
    tables[table] = rows[0]?.all ?? [];
  }
  const { rows } = await pool.query<{ last: string }>(
    `SELECT last_value AS last FROM ${placeOf(database, "evenkeel.fencing_tokens")}`,
  );
  return { setup, tables, fencingToken: Number(rows[0]?.last) };
}

/** Makes a database what it was. */
export async function restoreDatabase(
  database: FreshDatabase,
  { setup, tables, fencingToken }: DatabaseFixture,
): Promise<void> {
  const { pool } = database;
  const own = schemaOf(database, "evenkeel");
  for (const statement of setup) {
    await pool.query(statement.replaceAll('"evenkeel"', `"${own}"`));
  }
  for (const [name, rows] of Object.entries(tables)) {
    const table = placeOf(database, name);
    await pool.query(
      `INSERT INTO ${table} SELECT * FROM json_populate_recordset(null::${table}, $1) ON CONFLICT DO NOTHING`,
      [JSON.stringify(rows)],
    );
  }
  await pool.query(`SELECT setval('${placeOf(database, "evenkeel.fencing_tokens")}', $1)`, [
    fencingToken,
  ]);
}
