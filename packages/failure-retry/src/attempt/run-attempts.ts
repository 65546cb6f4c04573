import type { RetryGrant, RunOutcome, RunRequest } from "@evenkeel/core";
import type { BaseMessage } from "@langchain/core/messages";

import { pauseMs, sleep } from "../backoff.ts";
import { retryAfterMs } from "../call/retry-after.ts";
import { messagesOf } from "../context/call-sequence.ts";
import type { FinalAnswer, RetryContext } from "../options.ts";
import { crashed } from "./crashed.ts";
import { deserves } from "./deserves.ts";
import { judge } from "./judge.ts";
import type { AttemptFailure, CriticalFlag } from "./judge.ts";
import { writeFailure } from "./keep-failure.ts";
import { restartFor } from "./restart.ts";
import { historyIn, openGate, seenIn } from "./run-memory.ts";

type Handler = (request: RunRequest) => Promise<RunOutcome>;

/** `wrapRun`: attempts until one counts, none is left, or the failure is of a kind no attempt helps. */
export async function runAttempts(
  request: RunRequest,
  handler: Handler,
  context: RetryContext,
): Promise<RunOutcome> {
  if (context.mode === "observe") return handler(request);
  const { options, memory } = context;
  openGate(memory, request.chunks);
  historyIn(context);
  let flag: CriticalFlag | undefined;
  request.onEvent(({ severity, name, by, failure, attempt }) => {
    if (severity !== "critical" || attempt !== context.execution.attempt) return;
    flag ??= { name, by, failure };
  });
  const flagged = (): CriticalFlag | undefined => flag;
  const grants: RetryGrant[] = [];
  const { signal } = request.config;
  let next = request;
  let dead = crashed(request.deadResumes, context);
  for (;;) {
    flag = undefined;
    seenIn(memory).clear();
    const outcome = dead ?? (await handler(next));
    dead = undefined;
    const answer = async (): Promise<FinalAnswer> =>
      answerOf(outcome, request, options.messagesKey);
    const failed = await judge(outcome, answer, flagged(), context, signal);
    if (failed === undefined) {
      if (outcome.status === "completed") for (const grant of grants) grant.refund();
      return outcome;
    }
    const grant = await another(failed, context);
    if (grant === undefined && !leaves(failed, context)) {
      return ended(outcome, failed, request, context);
    }
    if (grant !== undefined) {
      grants.push(grant);
      const asked = retryAfterMs(failed.error, context.now);
      const pause = pauseMs(context.execution.attempt, options, context.live.random, asked);
      await sleep(pause, signal);
    }
    next = await begin(next, outcome, { failed, exits: grant === undefined }, context);
  }
}

/** Leave for another attempt: the failure deserves one, there is one left, and the budget grants it. */
async function another(
  failed: AttemptFailure,
  context: RetryContext,
): Promise<RetryGrant | undefined> {
  const { options, live, execution, retryBudget } = context;
  const { failure, final } = failed;
  const { attempt } = execution;
  if (final || attempt >= options.maxAttempts || !deserves(failed, context)) return undefined;
  const grant = await retryBudget.draw({
    by: live.name,
    kind: "attempt",
    target: null,
    callId: null,
    failure,
  });
  return grant.granted ? grant : undefined;
}

/** One more attempt beyond the last: the model answers without tools, or a person is asked. */
function leaves({ final }: AttemptFailure, { options, execution }: RetryContext): boolean {
  const { exitBehavior, maxAttempts } = options;
  const wanted = exitBehavior === "final-answer" || exitBehavior === "interrupt";
  return wanted && !final && execution.attempt <= maxAttempts;
}

async function begin(
  request: RunRequest,
  outcome: RunOutcome,
  { failed, exits }: { readonly failed: AttemptFailure; readonly exits: boolean },
  context: RetryContext,
): Promise<RunRequest> {
  const { options, memory } = context;
  request.chunks.drop();
  const head = await request.readHead();
  const messages = messagesOf(head, options.messagesKey);
  const { restart, calls, standing } = restartFor(messages, [...seenIn(memory).values()], {
    context,
    ended: outcome.status === "completed",
  });
  const { attempt } = context.execution;
  const next = await request.nextAttempt({
    restart,
    cause: failed.error,
    failure: failed.failure.failureClass,
    detail: { rule: failed.failure.rule, calls: calls.length },
  });
  await writeFailure({ failed, calls, standing, restart, attempt, exits }, context);
  return next;
}

function ended(
  outcome: RunOutcome,
  { error }: AttemptFailure,
  { chunks }: RunRequest,
  { options }: RetryContext,
): RunOutcome {
  chunks.release();
  if (options.exitBehavior === "end") {
    return outcome.status === "completed" ? outcome : { status: "completed", output: undefined };
  }
  return outcome.status === "failed" ? outcome : { status: "failed", error };
}

async function answerOf(
  outcome: RunOutcome,
  request: RunRequest,
  messagesKey: string,
): Promise<FinalAnswer> {
  const output = outcome.status === "completed" ? outcome.output : undefined;
  const held = (output as Record<string, unknown> | null | undefined)?.[messagesKey];
  const messages = Array.isArray(held)
    ? (held as BaseMessage[])
    : messagesOf(await request.readHead(), messagesKey);
  return { output, messages, text: messages.at(-1)?.text ?? "" };
}
