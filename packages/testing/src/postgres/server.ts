import { TestDatabaseError } from "./database-error.ts";
import { startEmbeddedServer } from "./embedded-server.ts";
import { useExternalServer } from "./external-server.ts";

/** How a server is restarted: `fast` ends its sessions and shuts down, `immediate` is a crash. */
export type RestartMode = "fast" | "immediate";

/** What {@link startPostgres} can be told. */
export interface PostgresOptions {
  /** Server to use instead of an embedded one; empty for embedded. @default `DATABASE_URL` of the environment */
  databaseUrl?: string;
  /** Port to try first; a taken one is left to its owner. Embedded only. @default a free one */
  port?: number;
  /** Flushes every commit to disk, as in production. Embedded only. @default false */
  durable?: boolean;
  /** Further settings of the server, such as `max_connections`. Embedded only. @default {} */
  settings?: Readonly<Record<string, string>>;
}

/** A Postgres to work on, with a database (or schema) of our own in it. */
export interface PostgresServer {
  /** Connection URL of our own database; where we have a schema only, its `search_path` names it. */
  readonly url: string;
  /** Our own schema, where the server let us create no database; `undefined` when the database is ours. */
  readonly schema: string | undefined;
  /** True when this process brought the server along, false for the one in `DATABASE_URL`. */
  readonly embedded: boolean;
  /** Restarts the server on the same port and data. Embedded only. @default mode "fast" */
  readonly restart: (mode?: RestartMode) => Promise<void>;
  /** Ends the embedded server and removes its data, or drops what is ours on the other one. */
  readonly stop: () => Promise<void>;
}

/**
 * Provides a real Postgres for tests and examples: the one that npm brings along, in a temporary
 * folder on 127.0.0.1, or, with `DATABASE_URL` set, a database of our own on that server.
 *
 * @example
 * ```ts
 * const server = await startPostgres();
 * const pool = openPool({ connectionString: server.url });
 * await server.stop();
 * ```
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const { databaseUrl = process.env["DATABASE_URL"] ?? "", port, durable = false } = options;
  const { settings = {} } = options;
  if (databaseUrl !== "") return useExternalServer(databaseUrl);
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536)) {
    throw new TestDatabaseError({
      code: "invalid-option",
      message: `startPostgres: \`port\` must be a whole number from 1 to 65535, not ${String(port)}.`,
    });
  }
  return startEmbeddedServer({ port, durable, settings });
}
