import { uniqueId } from "@evenkeel/core";
import type { AuditStore, RecordStore } from "@evenkeel/core";

import { RunFlagsError } from "../errors.ts";
import { keptRun, withKept } from "./kept-run.ts";

/** Who flags a run, and why. */
export interface FlagExecutionOptions {
  reason: string;
  actor: string;
  /** @default "" */
  comment?: string;
  /** Where the record is kept, and the audit row; `evenkeelPostgres(pool)` is such. */
  store: RecordStore & AuditStore;
  /** Milliseconds since the epoch. @default Date.now */
  clock?: () => number;
}

const MOST_FLAGS = 50;

/**
 * Flags an execution by hand: its record says who and why, it is no example of a good run any more,
 * and the audit has a row.
 *
 * Error behavior: no such record throws `execution-unknown`; an empty reason or actor
 * `invalid-options`. The same reason by the same actor again changes nothing.
 */
export async function flagExecution(
  executionId: string,
  { reason, actor, comment = "", store, clock = Date.now }: FlagExecutionOptions,
): Promise<void> {
  for (const [option, value] of Object.entries({ reason, actor })) {
    if (typeof value === "string" && value.trim() !== "") continue;
    throw new RunFlagsError({
      code: "invalid-options",
      message: `flagExecution: option "${option}": ${JSON.stringify(value)} came; allowed is a non-empty string. A privileged act says who and why.`,
      details: { option },
    });
  }
  const record = await store.getRecord(executionId);
  const kept = keptRun(record);
  if (record === undefined || kept === undefined) {
    throw new RunFlagsError({
      code: "execution-unknown",
      message: `No record of execution "${executionId}" is in this store. Give the id from \`evenkeel_execution_id\`, and the store the middleware writes to.`,
      details: { executionId },
    });
  }
  if (kept.people.some((flag) => flag.reason === reason && flag.actor === actor)) return;
  const flag = { id: uniqueId(), at: new Date(clock()).toISOString(), reason, comment, actor };
  const people = [...kept.people, flag].slice(-MOST_FLAGS);
  await store.putRecord(withKept(record, { ...kept, people, clean: false }));
  await store.appendAudit({
    v: 1,
    id: flag.id,
    at: flag.at,
    actor,
    act: "flag-execution",
    executionId,
    threadId: record.threadId,
    scope: record.scope,
    reason,
    detail: { comment },
  });
}
