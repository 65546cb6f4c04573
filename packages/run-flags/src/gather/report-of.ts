import { EvenkeelError, classifyFailure } from "@evenkeel/core";
import type { RunOutcome, RunRequest } from "@evenkeel/core";

import type { FlagContext } from "../options.ts";
import { recordRun } from "../record-run.ts";
import type { RunFacts } from "../run-facts.ts";
import type { RunReport } from "../run-report.ts";
import type { CallSums, GatheredRun } from "./gathered-run.ts";

/** What a report is made from. */
export interface ReportSources {
  readonly request: RunRequest;
  readonly context: FlagContext;
  readonly outcome: RunOutcome | { readonly status: "running" };
  readonly resumes: number;
  readonly gathered: GatheredRun;
  readonly sums: CallSums;
}

/** Condenses what was gathered; the sums fill in what no message of this process shows. */
export function reportOf({
  request,
  context,
  outcome,
  resumes,
  gathered,
  sums,
}: ReportSources): RunReport {
  const { id, attempt, startedAt, threadId, scope, manifestHash } = context.execution;
  const facts = gathered.facts();
  const report = recordRun({
    ...facts,
    executionId: id,
    ...(threadId === null ? {} : { threadId }),
    scope: tenantOf(scope, threadId),
    graph: request.graph.name,
    ...(manifestHash === null ? {} : { manifestHash }),
    outcome: outcomeOf(outcome, request),
    startedAt,
    endedAt: new Date(context.now()).toISOString(),
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
  };
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
  const { signal } = request.config;
  const name = outcome.error instanceof Error ? outcome.error.name : "";
  return signal?.aborted === true || name === "AbortError" ? "aborted" : "failed";
}

function errorOf(error: unknown): NonNullable<RunFacts["error"]> {
  const { failureClass, message } = classifyFailure(error);
  const name = error instanceof Error ? error.name : typeof error;
  return { code: EvenkeelError.isInstance(error) ? error.code : name, message, failureClass };
}
