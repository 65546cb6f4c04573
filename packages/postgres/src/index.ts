/** Every durable store of Evenkeel on one Postgres pool. */
export { PostgresError } from "./errors.ts";
export type { PostgresErrorCode } from "./errors.ts";
export type { PostgresClient, PostgresPool, PostgresResult } from "./pool.ts";
export { evenkeelPostgres } from "./postgres.ts";
export type { EvenkeelPostgres, EvenkeelPostgresOptions } from "./postgres.ts";
