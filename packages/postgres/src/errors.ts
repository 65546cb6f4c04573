import { EvenkeelError } from "@evenkeel/core";

/** What can go wrong in Postgres beside the codes of core. */
export type PostgresErrorCode =
  | "codec-failed"
  | "result-lost"
  | "row-unreadable"
  | "schema-occupied";

/** A failure of the Postgres store's own: see {@link PostgresErrorCode} for what can happen. */
export class PostgresError extends EvenkeelError<PostgresErrorCode> {}
