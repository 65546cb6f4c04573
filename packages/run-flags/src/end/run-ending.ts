import type { RootRunFacts, RunOutcome, RunRecord, RunRequest } from "@evenkeel/core";
import { isCommand } from "@langchain/langgraph";

import { NO_CALLS, addCalls, callSums } from "../gather/call-sums.ts";
import type { GatheredRun } from "../gather/gathered-run.ts";
import { reportOf, wasAborted } from "../gather/report-of.ts";
import { type EventSums, eventSums } from "../gather/run-events.ts";
import { type KeptRun, withKept } from "../keep/kept-run.ts";
import { type RecordChange, type RecordKeeper, within } from "../keep/record-keeper.ts";
import { recordOf } from "../keep/record-of.ts";
import type { RunBaselines } from "../keep/run-baselines.ts";
import type { FlagContext } from "../options.ts";
import { findingOf } from "../review/finding.ts";
import { traceOf } from "../review/trace-of.ts";
import type { FlagRule } from "../rules/flag-rule.ts";
import type { RunReport } from "../run-report.ts";
import { announce } from "./announce.ts";
import type { Delivery, Outcome } from "./delivery.ts";
import { judgeRun } from "./judging.ts";
import { supersededOutcome } from "./superseded.ts";

/** Where what is found about a run goes. */
export interface EndParts {
  readonly rules: readonly FlagRule[];
  readonly baselines: RunBaselines | undefined;
  readonly stored: boolean;
  readonly keeper: RecordKeeper;
  readonly delivery: Delivery;
}

/** One run's beginning and end, as they are recorded. */
export interface RunEnding {
  /** How often the execution was taken up again without a pause before. */
  readonly resumes: number;
  begin(): void;
  /** An attempt came to its outcome and the trace is still open. */
  attempted(outcome: RunOutcome, root: RootRunFacts | null): Promise<void>;
  /** The run came to its outcome, after all attempts. */
  end(outcome: RunOutcome): Promise<void>;
}

const BASELINE_WAIT_MS = 500;

/** Prepares the record of one run. */
export function runEnding(
  request: RunRequest,
  context: FlagContext,
  { rules, baselines, stored, keeper, delivery }: EndParts,
  held: Readonly<Record<string, unknown>>,
): RunEnding {
  const { memory } = context;
  const { id: executionId, isNew } = context.execution;
  const continued = !isNew && !isCommand(request.input);
  const resumes = Number(held["resumes"] ?? 0) + (continued ? 1 : 0);
  let loaded: Promise<unknown> | undefined;
  /** The record as this run wrote it last, for as long as nobody is known to have changed it. */
  let written: RunRecord | undefined;
  let earlier = NO_CALLS;
  let root: RootRunFacts | null = null;
  let finished: { status: RunOutcome["status"]; attempt: number } | undefined;

  const sums = () => addCalls(earlier, callSums(context));
  const gathered = memory.get("gathered") as GatheredRun;
  const report = (
    outcome: RunOutcome | { status: "running" },
    endedAt = context.now(),
  ): RunReport =>
    reportOf({
      request,
      context,
      outcome,
      endedAt,
      resumes,
      gathered,
      sums: sums(),
      events: (memory.get("events") as EventSums | undefined) ?? eventSums(held["events"]),
    });
  const keptOf = (
    known: KeptRun | undefined,
    fields: Pick<KeptRun, "report" | "judgement" | "clean">,
  ): KeptRun => ({
    v: 1,
    ...fields,
    sums: sums(),
    people: known?.people ?? [],
    observed: context.mode === "observe",
    trace: traceOf(root) ?? known?.trace ?? null,
    review: known?.review ?? null,
  });

  async function finish(outcome: RunOutcome): Promise<void> {
    finished = { status: outcome.status, attempt: context.execution.attempt };
    const endedAt = context.now();
    // What earlier processes came to is part of the report, and a resumed run may end at once.
    if (loaded !== undefined) await within(loaded, BASELINE_WAIT_MS);
    const last = written;
    written = undefined;
    const ended = report(outcome, endedAt);
    if (outcome.status === "interrupted") {
      // It waits for a person: what it comes to is judged when it goes on, or by the sweep.
      const fields = { report: ended, judgement: null, clean: false };
      const waits: RecordChange = (known, kept) =>
        withKept(recordOf(context, known, ended, "interrupted"), keptOf(kept, fields));
      void keeper.change(executionId, waits, last);
      return;
    }
    const { options } = context;
    const { judgement, clean } = judgeRun(ended, options, rules, baselines);
    for (const { rule, message } of judgement.broken) {
      context.emit("middleware-warning", { detail: { rule, message } });
    }
    const outcomeOf = (known?: RunRecord, earlierKept?: KeptRun): Outcome => {
      const kept = keptOf(earlierKept, { report: ended, judgement, clean });
      const record = recordOf(context, known, ended, outcome.status);
      return { record, kept, finding: findingOf(record, kept, options.sampleGood), marked: true };
    };
    announce(outcomeOf().finding, context);
    if (clean) baselines?.add(ended);
    void delivery.deliver(executionId, outcomeOf, last);
  }

  return {
    resumes,
    begin() {
      const history = baselines?.load()?.catch(() => undefined);
      loaded = history;
      if (!stored) return;
      const begun = (known?: RunRecord, kept?: KeptRun): RunRecord => {
        earlier = kept?.sums ?? NO_CALLS;
        gathered.offeredBefore(kept?.report.offered ?? []);
        const begins = report({ status: "running" });
        const fields = { report: begins, judgement: null, clean: false };
        written = withKept(recordOf(context, known, begins, "running"), keptOf(kept, fields));
        return written;
      };
      if (isNew) keeper.put(begun());
      else loaded = Promise.all([history, keeper.change(executionId, begun)]);
      const { supersedes } = request;
      if (supersedes === undefined) return;
      const judged = (ended: RunReport) => judgeRun(ended, context.options, rules, undefined);
      void delivery.deliver(supersedes.executionId, supersededOutcome(judged, context.now));
    },
    async attempted(outcome, at) {
      root = at;
      const failed = outcome.status === "failed";
      // No attempt follows an abort, and its caller does not wait for the run to end.
      if (failed && wasAborted(outcome.error, request)) return finish(outcome);
      // Where others may follow, the trace stays open until the last; a failure's tags reach it late.
      if (!failed && !request.mayAttemptAgain) await finish(outcome);
    },
    async end(outcome) {
      const { attempt } = context.execution;
      if (finished?.status === outcome.status && finished.attempt === attempt) return;
      await finish(outcome);
    },
  };
}
