import { firstTables } from "./migrations/0001-first-tables.ts";
import type { Migration } from "./migrations/migration.ts";

/** Every step of the schema, in order. */
export const MIGRATIONS: readonly Migration[] = [firstTables];

/** The version of the schema this release writes and reads. */
export const SCHEMA_VERSION: number = MIGRATIONS.length;
