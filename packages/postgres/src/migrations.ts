import { firstTables } from "./migrations/0001-first-tables.ts";
import { effects } from "./migrations/0002-effects.ts";
import { resultTables } from "./migrations/0003-results.ts";
import { breakers } from "./migrations/0004-breakers.ts";
import { ledgerFunctions } from "./migrations/0005-ledger-functions.ts";
import type { Migration } from "./migrations/migration.ts";

/** Every step of the schema, in order. */
export const MIGRATIONS: readonly Migration[] = [
  firstTables,
  effects,
  resultTables,
  breakers,
  ledgerFunctions,
];

/** The version of the schema this release writes and reads. */
export const SCHEMA_VERSION: number = MIGRATIONS.length;
