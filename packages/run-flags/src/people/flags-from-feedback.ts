import type { RecordStore } from "@evenkeel/core";

import { RunFlagsError } from "../errors.ts";
import { type PersonFlag, keptRun } from "../keep/kept-run.ts";
import type { LangSmithReviewOptions } from "../review/langsmith-review.ts";
import { NEEDS_REVIEW, projectOfEnvironment } from "../review/langsmith-review.ts";
import { isNotFound } from "../review/outbox.ts";
import type { ReviewClient } from "../review/review-client.ts";
import { fixedId } from "../review/review-ids.ts";
import type { RunReport } from "../run-report.ts";
import type { FeedbackClient, UserFeedback } from "./feedback-client.ts";
import { missingField, placeMissing } from "./missing-field.ts";
import { type RaiseOptions, raiseFlag } from "./raise-flag.ts";

/** What {@link flagsFromFeedback} is told. */
export interface FeedbackOptions extends Omit<RaiseOptions, "langsmith"> {
  client: FeedbackClient & ReviewClient;
  /** Feedback given since then counts: a date, or milliseconds since the epoch. Overlap is harmless. */
  since: Date | number;
  /** Feedback keys to read. @default every key but `needs_review` */
  keys?: readonly string[];
  /** Sources to read. @default all but models and evaluators */
  sources?: readonly ("app" | "api")[];
  /** How the flagged runs are reviewed; false tells LangSmith nothing. @default feedback and queue with their defaults */
  review?: Omit<LangSmithReviewOptions, "client"> | false;
}

/** A flag that feedback raised. */
export interface FeedbackFlag {
  executionId: string;
  feedbackId: string;
  /** `integration-gap` where a field was missed that no tool returned, `answer-incomplete` where one did, else `user-feedback`. */
  reason: string;
  tool: string | null;
  field: string | null;
}

/**
 * Raises flags from what users said of runs in LangSmith: a thumb down, or a comment such as "it
 * didn't include the tracking number", which names the tool and the missing field. Call it from a
 * job every few minutes, with a `since` that overlaps: the same feedback raises one flag.
 *
 * Error behavior: `invalid-options` for a `since` that is none; what the client or the store throws
 * goes through, and the next call goes on from there. Feedback on runs without a record is left alone.
 */
export async function flagsFromFeedback(options: FeedbackOptions): Promise<FeedbackFlag[]> {
  const { client, since, keys, sources, review = {}, ...raise } = options;
  const from = Number(since);
  if (!Number.isFinite(from)) {
    throw new RunFlagsError({
      code: "invalid-options",
      message: `flagsFromFeedback: option "since": ${String(since)} came; allowed is a date, or milliseconds since the epoch.`,
      details: { option: "since" },
    });
  }
  const raised: FeedbackFlag[] = [];
  const langsmith = review === false ? undefined : { ...review, client };
  for await (const feedback of client.listFeedback({
    ...(keys === undefined ? {} : { feedbackKeys: [...keys] }),
    ...(sources === undefined ? {} : { feedbackSourceTypes: [...sources] }),
  })) {
    if (!(Date.parse(feedback.created_at) >= from) || !isComplaint(feedback)) continue;
    const executionId = await executionOf(feedback, client, langsmith?.project);
    const record = executionId === undefined ? undefined : await read(executionId, raise.store);
    if (record === undefined) continue;
    const flag = flagOf(feedback, record.report);
    const { reason, tool = null, field = null } = flag;
    if (await raiseFlag(record.record, flag, "flag-from-feedback", { ...raise, langsmith })) {
      raised.push({
        executionId: record.record.executionId,
        feedbackId: feedback.id,
        reason,
        tool,
        field,
      });
    }
  }
  return raised;
}

/** Praise raises nothing, nor does what Evenkeel itself said. */
function isComplaint({
  key,
  score,
  value,
  comment,
  feedback_source: source,
}: UserFeedback): boolean {
  if (key === NEEDS_REVIEW || source?.metadata?.["by"] === "evenkeel") return false;
  if (source?.type === "model" || source?.type === "auto_eval") return false;
  const said = missingField(comment ?? "") !== undefined;
  const negative = score === 0 || score === false || (typeof score === "number" && score < 0);
  const down = typeof value === "string" && /^(?:thumbs?[ _-]?down|bad|no|negative)$/i.test(value);
  return negative || down || (said && score !== 1 && score !== true);
}

async function executionOf(
  { run_id: runId, session_id: given }: UserFeedback,
  client: ReviewClient,
  projectName: string = projectOfEnvironment(),
): Promise<string | undefined> {
  if (typeof runId !== "string") return undefined;
  try {
    const project_id = given ?? (await client.readProject({ projectName })).id;
    const { extra, metadata = extra?.["metadata"] } = await client.runs.retrieve(runId, {
      project_id,
      selects: ["EXTRA", "METADATA"],
    });
    const id = (metadata as Record<string, unknown> | undefined)?.["evenkeel_execution_id"];
    return typeof id === "string" ? id : undefined;
  } catch (error) {
    // A run that is gone says nothing any more; one that is not there yet is met by the next call.
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function read(executionId: string, store: Pick<RecordStore, "getRecord">) {
  const record = await store.getRecord(executionId);
  const kept = keptRun(record);
  return record === undefined || kept === undefined ? undefined : { record, report: kept.report };
}

function flagOf(feedback: UserFeedback, report: RunReport): PersonFlag {
  const comment = (feedback.comment ?? "").slice(0, 1_000);
  const user = feedback.feedback_source?.user_id ?? feedback.feedback_source?.type ?? "unknown";
  const base = {
    id: fixedId("feedback", feedback.id),
    at: feedback.created_at,
    comment,
    actor: `langsmith:${user}`,
  };
  const field = missingField(comment);
  if (field === undefined) return { ...base, reason: "user-feedback", failureClass: "unknown" };
  const { tool, lacking } = placeMissing(field, comment, report);
  return {
    ...base,
    reason: lacking ? "integration-gap" : "answer-incomplete",
    failureClass: lacking ? "integration-gap" : "planning",
    field,
    ...(tool === null ? {} : { tool }),
  };
}
