import { NEEDS_REVIEW } from "./langsmith-review.ts";

/** A filter to save in LangSmith. */
export interface SavedFilter {
  title: string;
  /** Over roots of traces: an execution is one of them, however often it was resumed. */
  filter: string;
}

/** The filters a reviewer works with, over root runs; words in capitals are to be replaced. */
export const SAVED_FILTERS: readonly SavedFilter[] = [
  {
    title: "everything that is flagged",
    filter: `and(eq(feedback_key, "${NEEDS_REVIEW}"), eq(feedback_score, 1))`,
  },
  { title: "flagged for one reason among others", filter: 'has(tags, "evenkeel:flag:REASON")' },
  { title: "flagged for one reason above all", filter: metadata("evenkeel_flag_reason", "REASON") },
  { title: "of one severity", filter: metadata("evenkeel_flag_severity", "high") },
  { title: "of one class of failure", filter: metadata("evenkeel_failure_class", "CLASS") },
  {
    title: "flagged for one reason, and expensive",
    filter: 'and(has(tags, "evenkeel:flag:REASON"), gt(total_tokens, 5000))',
  },
  { title: "under one configuration", filter: metadata("evenkeel_config_hash", "HASH") },
  {
    title: "flagged once, and fine after all",
    filter: `and(eq(feedback_key, "${NEEDS_REVIEW}"), eq(feedback_score, 0))`,
  },
];

function metadata(key: string, value: string): string {
  return `and(eq(metadata_key, "${key}"), eq(metadata_value, "${value}"))`;
}
