import type { RunRecord } from "@evenkeel/core";
import type { KeptRun } from "@evenkeel/run-flags";

import type { EverythingOutcome } from "../carry-on.ts";
import type { EverythingStage } from "../stage.ts";

const keptOf = (record: RunRecord | undefined): KeptRun | undefined =>
  record?.facts["runFlags"] as KeptRun | undefined;

/** What a run came to, in a form that two equal runs share. */
function comparison(record: RunRecord | undefined): Record<string, unknown> {
  const { report, judgement, review } = keptOf(record) ?? {};
  return {
    status: record?.status,
    attempt: record?.attempt,
    outcome: report?.outcome,
    attempts: report?.attempts,
    modelCalls: report?.modelCalls,
    toolCalls: report?.toolCalls,
    failedCalls: report?.failedCalls,
    flagged: judgement?.flagged,
    // That it was resumed is a sign of its own, and the only one a crash may add.
    flags: judgement?.flags
      .map(({ rule }) => rule)
      .filter((rule) => rule !== "retried")
      .toSorted(),
    reviewed: review?.state,
  };
}

/** The record of the execution that came to the end, and those that are left of others. */
async function recordsOf(
  { thread, last }: EverythingOutcome,
  { store }: EverythingStage,
): Promise<{ record: RunRecord | undefined; others: RunRecord[] }> {
  const records = await store.listRecords({ threadId: thread });
  const id = last.heard.at(-1)?.[0];
  const record = records.find(({ executionId }) => executionId === id);
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
  const lost = outcome.crashed && outcome.last.anew ? 1 : 0;
  if (others.length > lost) faults.push(`${others.length} records of other executions`);

  const told = reviewsOf(outcome.thread, stage);
  const flagged = wanted["flagged"] === true ? 1 : 0;
  if (told.length !== flagged) faults.push(`reviewers were told ${told.length} times`);
  return faults;
}

function reviewsOf(thread: string, { langsmith }: EverythingStage): readonly object[] {
  const runs = new Set(
    langsmith.runs.filter(({ thread_id: id }) => id === thread).map(({ id }) => id),
  );
  return langsmith.feedback.filter(({ run_id: id }) => id !== null && runs.has(id));
}
