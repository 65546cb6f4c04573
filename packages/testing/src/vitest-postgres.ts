/** A vitest `globalSetup` file: one Postgres for a whole test run, on which every file has its own databases. */
import { SHARED_POSTGRES_URL } from "./postgres/fresh-database.ts";
import { type PostgresServer, startPostgres } from "./postgres/server.ts";

let server: PostgresServer | undefined;

/** Starts the server before the first test file; vitest hands the environment on to its workers. */
export async function setup(): Promise<void> {
  server = await startPostgres();
  process.env[SHARED_POSTGRES_URL] = server.url;
}

/** Stops the server after the last test file. */
export async function teardown(): Promise<void> {
  delete process.env[SHARED_POSTGRES_URL];
  await server?.stop();
  server = undefined;
}
