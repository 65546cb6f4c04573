import type { RunRecord } from "@evenkeel/core";
import type { KeptRun } from "@evenkeel/run-flags";
import type { LangSmithEndpoint } from "@evenkeel/testing";

import type { EverythingOutcome } from "../carry-on.ts";
import type { EverythingStage } from "../stage.ts";

const keptOf = (record: RunRecord | undefined): KeptRun | undefined =>
  record?.facts["runFlags"] as KeptRun | undefined;

/** What a crash may add: that the execution was taken up again, and by another version of the code. */
const OF_THE_CRASH = new Set(["retried", "config-drift"]);

/** What a run came to, in a form that two equal runs share. */
function comparison(record: RunRecord | undefined): Record<string, unknown> {
  const { report, judgement, review } = keptOf(record) ?? {};
  return {
    status: record?.status,
    attempt: record?.attempt,
    outcome: report?.outcome,
    attempts: report?.attempts,
    // Of an attempt whose process died the record has what messages tell: which calls, not how often.
    calls: [...new Set(report?.calls.map(({ tool, ok }) => `${tool} ${ok}`))].toSorted(),
    flagged: judgement?.flagged,
    flags: judgement?.flags
      .map(({ rule }) => rule)
      .filter((rule) => !OF_THE_CRASH.has(rule))
      .toSorted(),
    reviewed: review === null || review === undefined || review.state === "sent",
  };
}

/** The record of the execution that came to the end, and those that are left of others. */
async function recordsOf(
  { thread, last }: EverythingOutcome,
  { store }: EverythingStage,
): Promise<{ record: RunRecord | undefined; others: RunRecord[] }> {
  const records = await store.listRecords({ threadId: thread });
  const record = records.find(({ executionId }) => executionId === last.executionId);
  return { record, others: records.filter((one) => one !== record) };
}

/** What of the records and of what reviewers were told is not as in the run nobody killed. */
export async function recordFaults(
  outcome: EverythingOutcome,
  uncrashed: EverythingOutcome,
  stage: EverythingStage,
): Promise<string[]> {
  const { record, others } = await recordsOf(outcome, stage);
  const wanted = comparison((await recordsOf(uncrashed, stage)).record);
  const came = comparison(record);
  const faults = Object.keys(wanted).flatMap((key) =>
    JSON.stringify(came[key]) === JSON.stringify(wanted[key])
      ? []
      : [`the record's ${key} is ${JSON.stringify(came[key])}, not ${JSON.stringify(wanted[key])}`],
  );
  // What died before anything of it was durable is the sweep's.
  const lost = outcome.crashed && outcome.reports.some(({ anew }) => anew) ? 1 : 0;
  if (others.length > lost) faults.push(`${others.length} records of other executions`);

  // What was flagged for a while and is fine after all has a score of 0.
  const told = reviewsOf(outcome.thread, stage);
  const flagged = wanted["flagged"] === true;
  const [review] = told;
  if (told.length > 1 || (review?.score === 1) !== flagged) {
    faults.push(`reviewers were told ${JSON.stringify(told.map(({ score }) => score))}`);
  }
  return faults;
}

function reviewsOf(thread: string, { langsmith }: EverythingStage): LangSmithEndpoint["feedback"] {
  const runs = new Set(
    langsmith.runs.filter(({ thread_id: id }) => id === thread).map(({ id }) => id),
  );
  return langsmith.feedback.filter(({ run_id: id }) => id !== null && runs.has(id));
}
