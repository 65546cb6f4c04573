/** What a worker process is told. */
export interface WorkerJob {
  readonly database: string;
  readonly model: string;
  readonly payments: string;
  readonly threads: readonly string[];
  /** Executions it resumes at the same time. */
  readonly lanes: number;
  readonly leaseMs: number;
  /** Further settings of its pool. */
  readonly pool: { readonly maxUses?: number };
}

/** What it saw. */
export interface WorkerReport {
  /** How often an execution was `execution-busy`. */
  readonly busy: number;
  readonly reused: number;
  /** Executions whose end it saw. */
  readonly ended: number;
  readonly failures: readonly string[];
}
