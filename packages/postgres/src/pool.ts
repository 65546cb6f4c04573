/** The rows a query answers with. */
export interface PostgresResult {
  rows: Record<string, unknown>[];
}

/** One connection taken from a pool. */
export interface PostgresClient {
  query(text: string, values?: unknown[]): Promise<PostgresResult>;
  /** Gives it back; with an error, or true, the connection is closed instead. */
  release(error?: Error | boolean): void;
}

/** The part of a `pg.Pool` the stores use; a pool of PGlite or of another driver of that shape fits. */
export interface PostgresPool {
  query(text: string, values?: unknown[]): Promise<PostgresResult>;
  connect(): Promise<PostgresClient>;
  on?(event: "error", listener: (error: Error) => void): unknown;
  listenerCount?(event: "error"): number;
}
