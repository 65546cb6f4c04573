import type { Pool } from "pg";

import { TestDatabaseError } from "./database-error.ts";
import { endPool, openPool } from "./database-pool.ts";
import { lockDirectory } from "./directory-lock.ts";

/** What {@link pgliteDatabase} can be told. */
export interface PgliteDatabaseOptions {
  /** Directory that keeps the data, used by one process at a time. @default none, the data is in memory */
  directory?: string;
  /** Longest wait for the one connection, in milliseconds. @default 5000 */
  connectionTimeoutMs?: number;
}

/** A Postgres inside this process, with one connection. */
export interface PgliteDatabase {
  /** The only pool there may be: a second one would share its session and see its open transactions. */
  readonly pool: Pool;
  /** Closes the database and gives its directory free. */
  readonly stop: () => Promise<void>;
}

/**
 * Opens PGlite, Postgres compiled to WebAssembly, behind an ordinary pool: the alternative to
 * `startPostgres()` where no second process is wanted. Needs the package `@electric-sql/pglite`.
 */
export async function pgliteDatabase(options: PgliteDatabaseOptions = {}): Promise<PgliteDatabase> {
  const { directory, connectionTimeoutMs = 5_000 } = options;
  const { PGlite, createPgConfig } = await loadPglite();
  const lock = directory === undefined ? undefined : await lockDirectory(directory);
  try {
    const database = await PGlite.create(directory ?? "memory://");
    // Whoever asks for a second connection while holding the first would wait for ever.
    const limits = { max: 1, connectionTimeoutMillis: connectionTimeoutMs };
    const pool = openPool(Object.assign(createPgConfig(database), limits));
    let stopping: Promise<void> | undefined;
    const stop = async (): Promise<void> => {
      await endPool(pool);
      await database.close();
      lock?.release();
    };
    return {
      pool,
      stop: () => {
        stopping ??= stop();
        return stopping;
      },
    };
  } catch (error) {
    lock?.release();
    throw error;
  }
}

// Imported here, so that nobody who does not use it needs it.
async function loadPglite() {
  try {
    const { PGlite } = await import("@electric-sql/pglite");
    const { createPgConfig } = await import("@electric-sql/pglite/node-postgres");
    return { PGlite, createPgConfig };
  } catch (error) {
    throw new TestDatabaseError({
      code: "pglite-missing",
      message:
        "pgliteDatabase() needs the package @electric-sql/pglite: npm install @electric-sql/pglite",
      cause: error,
    });
  }
}
