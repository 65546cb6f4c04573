/** One step of the schema, applied once and never changed after its release. */
export interface Migration {
  /** 1-based and without gaps. */
  version: number;
  /** What it brings, for people. */
  name: string;
  /** The DDL, for a schema given as a quoted identifier; every name in it is qualified. */
  sql: (schema: string) => string;
}
