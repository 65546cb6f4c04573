import { EvenkeelError } from "@evenkeel/core/errors";

/** What can go wrong with the databases that tests and examples run on. */
export type TestDatabaseErrorCode =
  | "database-create-failed"
  | "database-unreachable"
  | "database-url-invalid"
  | "directory-locked"
  | "invalid-option"
  | "pglite-missing"
  | "port-unavailable"
  | "postgres-binaries-missing"
  | "postgres-binaries-unusable"
  | "postgres-folder-unavailable"
  | "postgres-start-failed"
  | "postgres-stopped"
  | "postgres-user-unavailable"
  | "restart-unsupported";

/** A failure to provide a database: its `code` says which part failed. */
export class TestDatabaseError extends EvenkeelError<TestDatabaseErrorCode> {}
