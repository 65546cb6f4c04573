import { type Pool, escapeIdentifier } from "pg";

/** What one table, or all of them, hold. */
export interface TableSize {
  readonly rows: number;
  /** Bytes of all values, uncompressed: what was written, not what pages and indexes make of it. */
  readonly bytes: number;
}

/** Tables by `schema.name`. */
export type DatabaseSize = ReadonlyMap<string, TableSize>;

/**
 * Counts rows and bytes of every table a user owns. Unlike sizes on disk, which depend on how well
 * ids compress and on vacuum, the figures are the same each time the same run is made.
 */
export async function databaseSize(pool: Pool): Promise<DatabaseSize> {
  const { rows: tables } = await pool.query<{ schema: string; name: string; columns: Column[] }>(
    `SELECT table_schema AS schema, table_name AS name,
            json_agg(json_build_object('name', column_name, 'type', data_type)) AS columns
       FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
      WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')
      GROUP BY table_schema, table_name ORDER BY 1, 2`,
  );
  const sizes = new Map<string, TableSize>();
  for (const { schema, name, columns } of tables) {
    const { rows } = await pool.query<TableSize>(
      `SELECT count(*)::int AS rows, coalesce(sum(${columns.map(columnBytes).join(" + ")}), 0)::float8 AS bytes
         FROM ${escapeIdentifier(schema)}.${escapeIdentifier(name)}`,
    );
    const [size] = rows;
    if (size !== undefined) sizes.set(`${schema}.${name}`, size);
  }
  return sizes;
}

/** What was added between two counts, tables without change left out. */
export function addedBetween(before: DatabaseSize, after: DatabaseSize): DatabaseSize {
  const added = [...after].map(([table, { rows, bytes }]): [string, TableSize] => {
    const known = before.get(table);
    return [table, { rows: rows - (known?.rows ?? 0), bytes: bytes - (known?.bytes ?? 0) }];
  });
  return new Map(added.filter(([, { rows, bytes }]) => rows !== 0 || bytes !== 0));
}

/** All tables taken together. */
export function totalSize(size: DatabaseSize): TableSize {
  let rows = 0;
  let bytes = 0;
  for (const table of size.values()) {
    rows += table.rows;
    bytes += table.bytes;
  }
  return { rows, bytes };
}

interface Column {
  readonly name: string;
  readonly type: string;
}

function columnBytes({ name, type }: Column): string {
  const column = escapeIdentifier(name);
  return `coalesce(octet_length(${type === "bytea" ? column : `${column}::text`}), 0)`;
}
