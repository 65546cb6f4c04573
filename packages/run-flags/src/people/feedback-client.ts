/** The calls of the `langsmith` client by which user feedback is read; `new Client()` has them. */
export interface FeedbackClient {
  listFeedback(query: {
    feedbackKeys?: string[];
    feedbackSourceTypes?: ("app" | "api")[];
  }): AsyncIterable<UserFeedback>;
}

/** What is read of a piece of feedback. */
export interface UserFeedback {
  id: string;
  created_at: string;
  run_id?: string | null;
  session_id?: string | null;
  key: string;
  score?: number | boolean | null;
  value?: unknown;
  comment?: string | null;
  feedback_source?: {
    type?: string;
    user_id?: string | null;
    metadata?: Readonly<Record<string, unknown>>;
  } | null;
}
