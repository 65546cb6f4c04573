import { redactText } from "@evenkeel/core";
import type { AuditStore, RecordStore, RunRecord } from "@evenkeel/core";

import { deliveryOf } from "../end/delivery.ts";
import { RunFlagsError } from "../errors.ts";
import { type PersonFlag, keptRun } from "../keep/kept-run.ts";
import { recordKeeper } from "../keep/record-keeper.ts";
import { findingOf } from "../review/finding.ts";
import { createOutbox } from "../review/outbox.ts";
import { type ReviewersOptions, reviewersOf } from "../review/reviewers.ts";

/** Where a flag that people raise is kept, and who is told of it. */
export interface RaiseOptions extends ReviewersOptions {
  /** Where the record is kept, and the audit row; `evenkeelPostgres(pool)` is such. */
  store: RecordStore & AuditStore;
  /** Hears what could not be told; the sweep tries again. @default ignored */
  onError?: (error: unknown) => void;
}

const MOST_FLAGS = 50;
/** Whoever raises a flag waits for it: some four seconds for a run that is not ingested yet. */
const TRIES = 5;

/**
 * Raises a flag on an execution: first the row of audit, since what cannot be recorded does not
 * happen, then the record, then those who review. False where it has been raised already.
 */
export async function raiseFlag(
  record: RunRecord,
  flag: PersonFlag,
  act: string,
  { store, onError = () => undefined, ...tell }: RaiseOptions,
): Promise<boolean> {
  const { executionId, threadId, scope } = record;
  if (keptRun(record)?.people.some(({ id }) => id === flag.id) === true) return false;
  const said = { ...flag, comment: redactText(flag.comment) };
  const { id, at, actor, reason, ...detail } = said;
  await store.appendAudit({
    v: 1,
    id,
    at,
    actor,
    act,
    executionId,
    threadId,
    scope,
    reason,
    detail,
  });
  const failures: unknown[] = [];
  const keeper = recordKeeper(store, (error) => failures.push(error));
  const reviewers = reviewersOf(tell, createOutbox({ onError, tries: TRIES }));
  await deliveryOf(keeper, reviewers).deliver(
    executionId,
    (known = record, kept = keptRun(known)) => {
      if (kept === undefined) return undefined;
      const others = kept.people.filter((other) => other.id !== id);
      const flagged = { ...kept, people: [...others, said].slice(-MOST_FLAGS), clean: false };
      return {
        record: known,
        kept: flagged,
        finding: findingOf(known, flagged),
        marked: false,
        insists: true,
      };
    },
  );
  const [failure] = failures;
  if (failure !== undefined) throw failure;
  return true;
}

/** The record of an execution that run-flags has written; a code where there is none. */
export async function flaggable(
  executionId: string,
  store: Pick<RecordStore, "getRecord">,
): Promise<RunRecord> {
  const record = await store.getRecord(executionId);
  if (record !== undefined && keptRun(record) !== undefined) return record;
  throw new RunFlagsError({
    code: "execution-unknown",
    message: `No record of execution "${executionId}" is in this store. Give the id from \`evenkeel_execution_id\`, and the store the middleware writes to.`,
    details: { executionId },
  });
}
