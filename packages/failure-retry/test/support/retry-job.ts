/** What one process of the crash matrix is told. */
export interface RetryJob {
  readonly kind: GraphKind;
  readonly thread: string;
  readonly url: string;
  readonly database: string;
  readonly schema: string;
  /** Continue where another process died; the input again, where it died before anything was durable. */
  readonly act: "start" | "continue";
}

/** What a process that came to the end reports. */
export interface RetryReport {
  readonly text: string;
  /** Names of events of this process with their attempts, in order. */
  readonly events: readonly string[];
  /** `_execution` of the newest checkpoint. */
  readonly attempt: number;
  readonly sequence: number;
  /** How often each point was passed. */
  readonly points: Readonly<Record<string, number>>;
}

/** The graphs of the matrix. */
export type GraphKind = "StateGraph" | "createReactAgent" | "createAgent";

export const KINDS: readonly GraphKind[] = ["StateGraph", "createReactAgent", "createAgent"];
