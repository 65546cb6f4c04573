/** The calls of the `langsmith` client that a review needs; `new Client()` is one. */
export interface ReviewClient {
  readProject(project: { projectName: string }): Promise<{ id: string }>;
  createFeedback(feedback: {
    runId: string;
    sessionId: string;
    key: string;
    score: number;
    comment: string;
    feedbackId: string;
    sourceInfo: Record<string, string>;
    extendTraceRetention: false;
  }): Promise<unknown>;
  listAnnotationQueues(query: { name: string }): AsyncIterable<{ id: string; name: string }>;
  createAnnotationQueue(queue: {
    name: string;
    queueId: string;
    description: string;
    rubricInstructions: string;
    rubricItems?: { feedback_key: string; description: string }[];
  }): Promise<{ id: string }>;
  addRunsToAnnotationQueue(
    queueId: string,
    runs: { runId: string; sessionId: string; startTime: string }[],
  ): Promise<unknown>;
  updateRun(
    runId: string,
    update: { tags: string[]; extra: Record<string, unknown> },
  ): Promise<unknown>;
  readonly runs: {
    retrieve(
      runId: string,
      query: { project_id: string; selects: ("TAGS" | "EXTRA" | "METADATA")[] },
    ): PromiseLike<StoredRun>;
    query(query: {
      project_ids: string[];
      filter: string;
      is_root: boolean;
      selects: ("ID" | "START_TIME")[];
    }): AsyncIterable<StoredRun>;
  };
}

/** What is read of a run. */
interface StoredRun {
  id?: string;
  start_time?: string;
  tags?: string[];
  extra?: Record<string, unknown>;
  metadata?: Record<string, unknown>;
}
