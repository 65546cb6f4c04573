import { randomBytes } from "node:crypto";

import type { Pool } from "pg";

import { TestDatabaseError } from "./database-error.ts";
import {
  createNamespace,
  type DatabaseNamespace,
  dropNamespaces,
  namespaceOf,
} from "./database-namespace.ts";
import { endPool, openPool } from "./database-pool.ts";
import { startPostgres } from "./server.ts";

/** Environment variable that tells test processes of the one server of the run. */
export const SHARED_POSTGRES_URL = "EVENKEEL_TEST_POSTGRES_URL";

/** What {@link freshDatabase} can be told. */
export interface FreshDatabaseOptions {
  /** Most connections of the pool. @default 10 */
  maxConnections?: number;
}

/** An empty database for one test file. */
export interface FreshDatabase {
  /** For child processes: the same database by URL. */
  readonly url: string;
  /** Our own schema, where the server let us create no database; `undefined` when the database is ours. */
  readonly schema: string | undefined;
  readonly pool: Pool;
  /** Ends the pool and drops the database, whoever is still connected. */
  readonly drop: () => Promise<void>;
}

let startedHere: Promise<string> | undefined;

/**
 * Creates an empty database on the server that the run shares (see `vitest-postgres.ts`), on the one
 * in `DATABASE_URL`, or on one that is started for this process and ends with it.
 *
 * @example
 * ```ts
 * const database = await freshDatabase();
 * afterAll(() => database.drop());
 * ```
 */
export async function freshDatabase(options: FreshDatabaseOptions = {}): Promise<FreshDatabase> {
  const { maxConnections: max = 10 } = options;
  const { namespace, server, name } = await create();
  const pool = openPool({ connectionString: namespace.url, max });
  let dropping: Promise<void> | undefined;

  async function drop(): Promise<void> {
    await endPool(pool);
    await dropNamespaces(server, name).catch((error: unknown) => {
      // The server went first, and the database with it.
      if (!TestDatabaseError.isInstance(error, "database-unreachable")) throw error;
    });
  }

  return {
    url: namespace.url,
    schema: namespace.schema,
    pool,
    drop: () => {
      dropping ??= drop();
      return dropping;
    },
  };
}

interface Created {
  readonly namespace: DatabaseNamespace;
  readonly server: string;
  readonly name: string;
}

async function create(): Promise<Created> {
  const shared = process.env[SHARED_POSTGRES_URL] ?? "";
  if (shared !== "") {
    try {
      return await createOn(shared);
    } catch (error) {
      // The variable can outlive the run that set it, in a shell or a left-over child.
      if (!TestDatabaseError.isInstance(error, "database-unreachable")) throw error;
    }
  }
  // A server that outlives this process: nothing on it but the database itself, which `drop` takes.
  const external = process.env["DATABASE_URL"] ?? "";
  if (external !== "") return createOn(external, "evenkeel");
  startedHere ??= startPostgres().then((server) => server.url);
  startedHere.catch(() => (startedHere = undefined));
  return createOn(await startedHere);
}

/** The name continues that of the server's own database, which takes it along when it is dropped. */
async function createOn(server: string, parent = namespaceOf(server).name): Promise<Created> {
  const name = `${parent}_${randomBytes(5).toString("hex")}`;
  return { namespace: await createNamespace(server, name), server, name };
}
