import type { RootRunFacts, RunOutcome, RunRecord, RunRequest } from "@evenkeel/core";
import { isCommand } from "@langchain/langgraph";

import { isCleanRun } from "../clean-run.ts";
import { totalSums } from "../gather/call-sums.ts";
import type { GatheredRun } from "../gather/gathered-run.ts";
import { reportOf } from "../gather/report-of.ts";
import { judge } from "../judge.ts";
import type { Judgement } from "../judge.ts";
import type { FlagContext } from "../options.ts";
import type { Review } from "../review/langsmith-review.ts";
import type { Outbox } from "../review/outbox.ts";
import { type FlagRoute, type FlaggedRun, handlersFor } from "../review/routes.ts";
import { defaultRules } from "../rules/default-rules.ts";
import type { FlagRule } from "../rules/flag-rule.ts";
import type { RunReport } from "../run-report.ts";
import { type KeptRun, withKept } from "./kept-run.ts";
import { type RecordKeeper, within } from "./record-keeper.ts";
import { recordOf, recordSuperseded } from "./record-of.ts";
import type { RunBaselines } from "./run-baselines.ts";

/** Where what is found about a run goes. */
export interface EndParts {
  readonly rules: readonly FlagRule[];
  readonly baselines: RunBaselines | undefined;
  readonly review: Review | undefined;
  readonly stored: boolean;
  readonly keeper: RecordKeeper;
  readonly outbox: Outbox;
  readonly routes: readonly FlagRoute[];
}

/** One run's beginning and end, as they are recorded. */
export interface RunEnding {
  /** How often the execution was taken up again without a pause before. */
  readonly resumes: number;
  begin(): void;
  /** Records and judges; only the first call counts. */
  end(outcome: RunOutcome, root: RootRunFacts | null): Promise<void>;
}

const BASELINE_WAIT_MS = 500;
const MOST_TAGS = 8;

/** Prepares the record of one run. */
export function runEnding(
  request: RunRequest,
  context: FlagContext,
  parts: EndParts,
  held: Readonly<Record<string, unknown>>,
): RunEnding {
  const { baselines, keeper, stored } = parts;
  const { execution, memory } = context;
  const continued = !execution.isNew && !isCommand(request.input);
  const resumes = Number(held["resumes"] ?? 0) + (continued ? 1 : 0);
  let loaded: Promise<void> | undefined;
  let ended: Promise<void> | undefined;

  const report = (outcome: RunOutcome | { status: "running" }): RunReport =>
    reportOf({
      request,
      context,
      outcome,
      resumes,
      gathered: memory.get("gathered") as GatheredRun,
      sums: totalSums(held, memory),
    });
  const keep = (
    known: RunRecord | undefined,
    kept: KeptRun | undefined,
    fields: Omit<KeptRun, "v" | "people">,
    status: RunRecord["status"],
  ): RunRecord =>
    withKept(recordOf(context, known, fields.report, status), {
      v: 1,
      people: kept?.people ?? [],
      ...fields,
    });

  async function finish(outcome: RunOutcome, root: RootRunFacts | null): Promise<void> {
    const finished = report(outcome);
    if (outcome.status === "interrupted") {
      // It waits for a person: what it comes to is judged when it goes on, or by the sweep.
      void keeper.change(execution.id, (known, kept) =>
        keep(
          known,
          kept,
          { report: finished, judgement: null, clean: false, trace: root },
          "interrupted",
        ),
      );
      return;
    }
    await within(loaded, BASELINE_WAIT_MS);
    const { judgement, clean } = judgeRun(finished, context, parts);
    for (const { rule, message } of judgement.broken) {
      context.emit("middleware-warning", { detail: { rule, message } });
    }
    announce(finished, judgement, context);
    if (clean) baselines?.add(finished);
    const quiet = context.mode === "observe";
    const send = (kept: KeptRun | undefined): void => {
      if (!quiet) sendOn(finished, judgement, root, context, parts, kept);
    };
    if (!stored) return send(undefined);
    let before: KeptRun | undefined;
    void keeper
      .change(execution.id, (known, kept) => {
        before = kept;
        return keep(
          known,
          kept,
          { report: finished, judgement, clean, trace: root },
          outcome.status,
        );
      })
      .then(() => send(before));
  }

  return {
    resumes,
    begin() {
      loaded = baselines?.load().catch(() => undefined);
      if (!stored) return;
      const fields = {
        report: report({ status: "running" }),
        judgement: null,
        clean: false,
        trace: null,
      };
      if (execution.isNew) keeper.put(keep(undefined, undefined, fields, "running"));
      else {
        void keeper.change(execution.id, (known, kept) =>
          keep(known, kept, { ...fields, judgement: kept?.judgement ?? null }, "running"),
        );
      }
      const { supersedes } = request;
      if (supersedes !== undefined) recordSuperseded(keeper, supersedes.executionId, context.now);
    },
    end: (outcome, root) => (ended ??= finish(outcome, root)),
  };
}

function judgeRun(
  report: RunReport,
  { options }: FlagContext,
  { rules, baselines }: EndParts,
): { judgement: Judgement; clean: boolean } {
  const { severity: flagFrom, limits, without } = options;
  const chosen = [...defaultRules, ...rules].filter(({ name }) => !without.includes(name));
  const alone = judge(report, undefined, { rules: chosen, limits, flagFrom });
  const baseline = baselines?.of(report);
  return {
    judgement:
      baseline === undefined ? alone : judge(report, baseline, { rules: chosen, limits, flagFrom }),
    clean: isCleanRun(report, alone),
  };
}

/** Says on the trace and in the events what was found; in `observe` only that it would have been said. */
function announce(report: RunReport, judgement: Judgement, context: FlagContext): void {
  const { flags, flagged, severity, score } = judgement;
  const reasons = flags.slice(0, MOST_TAGS).map(({ rule }) => rule);
  const detail = { score, reasons, outcome: report.outcome };
  if (context.mode === "observe") {
    if (flagged) context.emit("would-have-acted", { detail });
    return;
  }
  context.annotate({
    ...(flagged ? { tags: reasons.map((reason) => `evenkeel:flag:${reason}`) } : {}),
    metadata: {
      evenkeel_flag_score: score,
      evenkeel_execution_id: report.executionId,
      ...(report.manifestHash === null ? {} : { evenkeel_config_hash: report.manifestHash }),
      ...(flagged
        ? {
            evenkeel_flag_reason: reasons.join(","),
            evenkeel_flag_severity: severity,
            evenkeel_failure_class: flags[0]?.failureClass ?? "unknown",
          }
        : {}),
    },
  });
  if (!flagged) return;
  context.emit("run-flagged", {
    severity,
    failure: flags[0]?.failureClass ?? "unknown",
    detail,
  });
}

function sendOn(
  report: RunReport,
  judgement: Judgement,
  root: RootRunFacts | null,
  { options }: FlagContext,
  { review, routes, outbox }: EndParts,
  before: KeptRun | undefined,
): void {
  const { executionId, threadId, outcome } = report;
  // An execution that failed, was resumed and ends with the same findings has been sent already.
  const reasons = ({ flags }: Judgement): string => JSON.stringify(flags.map(({ rule }) => rule));
  const { judgement: earlier } = before ?? {};
  if (earlier?.flagged === true && reasons(earlier) === reasons(judgement)) return;
  if (root !== null && (judgement.flagged || outcome === "completed")) {
    review?.({ executionId, judgement, root, sampleGood: options.sampleGood });
  }
  if (!judgement.flagged) return;
  const { score, severity, flags } = judgement;
  const run: FlaggedRun = {
    executionId,
    threadId,
    outcome,
    score,
    severity,
    flags,
    runId: root?.id ?? null,
  };
  for (const handle of handlersFor(run, routes)) {
    outbox.post(`A route for execution ${executionId}`, async () => handle(run));
  }
}
