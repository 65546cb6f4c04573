import { EvenkeelError, classifyFailure } from "@evenkeel/core";
import type { RunOutcome, RunRequest } from "@evenkeel/core";

import type { FlagContext } from "../options.ts";
import { recordRun } from "../record-run.ts";
import type { RunFacts } from "../run-facts.ts";
import type { RunReport } from "../run-report.ts";
import type { CallSums } from "./call-sums.ts";
import type { GatheredRun } from "./gathered-run.ts";
import type { EventSums, SeenLoop } from "./run-events.ts";

/** What a report is made from. */
export interface ReportSources {
  readonly request: RunRequest;
  readonly context: FlagContext;
  readonly outcome: RunOutcome | { readonly status: "running" };
  /** Milliseconds since the epoch. */
  readonly endedAt: number;
  readonly resumes: number;
  readonly gathered: GatheredRun;
  readonly sums: CallSums;
  readonly events: EventSums;
}

/** Condenses what was gathered; the sums fill in what no message of this process shows. */
export function reportOf({
  request,
  context,
  outcome,
  endedAt,
  resumes,
  gathered,
  sums,
  events,
}: ReportSources): RunReport {
  const { id, attempt, startedAt, threadId, scope, manifestHash } = context.execution;
  const facts = gathered.facts();
  const report = recordRun({
    ...facts,
    ...reported(events, gathered),
    executionId: id,
    ...(threadId === null ? {} : { threadId }),
    scope: tenantOf(scope, threadId),
    graph: request.graph.name,
    mode: request.runMode,
    ...(manifestHash === null ? {} : { manifestHash }),
    outcome: outcomeOf(outcome, request),
    startedAt,
    endedAt: new Date(endedAt).toISOString(),
    attempts: attempt,
    resumes,
    ...(outcome.status === "failed" ? { error: errorOf(outcome.error) } : {}),
  });
  const counted = facts.tokens ?? { input: 0, output: 0 };
  const input = Math.max(counted.input, sums.inputTokens);
  const output = Math.max(counted.output, sums.outputTokens);
  return {
    ...report,
    modelCalls: Math.max(report.modelCalls, sums.modelCalls),
    toolCalls: Math.max(report.toolCalls, sums.toolCalls),
    failedCalls: Math.max(report.failedCalls, sums.failedCalls),
    tokens: input + output === 0 ? null : { input, output },
    costUsd: Math.max(facts.costUsd ?? 0, sums.costUsd) || null,
  };
}

/** What other middleware reported, as facts of the run. */
function reported(
  { counts, loop, budgetSpent, budget, drift, breakers, unknownEffects }: EventSums,
  gathered: GatheredRun,
): Partial<RunFacts> {
  const counted = (...names: string[]): number =>
    names.reduce((sum, name) => sum + (counts[name] ?? 0), 0);
  return {
    events: counts,
    offloads: counted("result-offloaded"),
    effects: counted("effect-reused", "effect-unknown", "effect-replanned"),
    drift,
    breakers,
    unknownEffects,
    ...(budgetSpent === null ? {} : { budgetSpent }),
    ...(budget === null ? {} : { budget }),
    ...(loop === null ? {} : { loop: placed(loop, gathered) }),
  };
}

function placed(
  { kind, rounds, action, callId, step }: SeenLoop,
  gathered: GatheredRun,
): NonNullable<RunFacts["loop"]> {
  const at = gathered.stepOf(callId) ?? step ?? 0;
  return { kind, rounds, action, step: Math.max(0, Math.round(at)) };
}

/** Runs of one tenant are compared over its threads: the thread's part of the default scope goes. */
function tenantOf(scope: string, threadId: string | null): string {
  const own = JSON.stringify(threadId);
  return threadId !== null && scope.endsWith(`,${own}]`)
    ? `${scope.slice(0, -own.length - 2)}]`
    : scope;
}

function outcomeOf(outcome: ReportSources["outcome"], request: RunRequest): RunFacts["outcome"] {
  // Of a run at work only its beginning is known; whoever finds it so later finds it dead.
  if (outcome.status === "running") return "died";
  if (outcome.status !== "failed") return outcome.status;
  return wasAborted(outcome.error, request) ? "aborted" : "failed";
}

/** True where the caller gave up on the run, not the run on itself. */
export function wasAborted(error: unknown, { config: { signal } }: RunRequest): boolean {
  const name = error instanceof Error ? error.name : "";
  return signal?.aborted === true || name === "AbortError";
}

function errorOf(error: unknown): NonNullable<RunFacts["error"]> {
  const { failureClass, message } = classifyFailure(error);
  const name = error instanceof Error ? error.name : typeof error;
  return { code: EvenkeelError.isInstance(error) ? error.code : name, message, failureClass };
}
