import type { BaseCheckpointSaver, CheckpointTuple } from "@langchain/langgraph";

import { CoreError } from "../errors.ts";
import type { SeamPlan } from "../graph/seam-plan.ts";
import type { NextAttempt, RunRequest } from "../middleware.ts";
import { checkpointAt, putMemos } from "../state/memo.ts";
import { channelUpdates, entriesOf } from "../state/private-state.ts";
import { markRoot } from "../trace/live-root.ts";
import { EXECUTION_CHANNEL } from "./execution.ts";
import { lastDecision } from "./last-decision.ts";
import { carry } from "./scope.ts";
import type { AttemptPoints, PendingAttempt, RunScope } from "./scope.ts";

/** What a further attempt at an execution is made from. */
export interface AttemptSource {
  readonly plan: SeamPlan;
  readonly run: RunScope;
  readonly checkpointer: BaseCheckpointSaver | undefined;
  readonly start: { readonly thread_id: unknown; readonly checkpoint_ns: string };
  /** Reads the private state of a checkpoint, memos included, and carries on what it lacks. */
  readonly readAt: (tuple: CheckpointTuple) => Promise<ReadonlyMap<string, unknown>>;
}

/**
 * Ends the attempt under way as failed and prepares the next one. Nothing of it is durable before
 * its loop begins: until then a process that dies leaves the old attempt to be resumed.
 */
export async function nextAttempt(
  source: AttemptSource,
  request: RunRequest,
  wanted: NextAttempt,
): Promise<RunRequest> {
  const { run, plan } = source;
  const { attempts } = run;
  if (attempts === undefined) throw unavailable("no middleware of the stack declares it", wanted);
  const pending = await startingPoint(source, attempts, wanted);
  const { at } = pending;
  const { id, attempt, startedAt, manifestHash } = run.execution;
  run.emitter.emit(
    "core",
    "attempt-failed",
    { node: null },
    {
      severity: "medium",
      ...(wanted.failure === undefined ? {} : { failure: wanted.failure }),
      detail: { ...wanted.detail, restart: wanted.restart },
    },
  );
  if (wanted.restart !== "resume" && at !== undefined) run.carried.clear();
  const held = at === undefined ? new Map<string, unknown>() : await source.readAt(at);
  for (const [channel, entries] of run.standing) carry(run, channel, entries);
  run.execution = { ...run.execution, attempt: attempt + 1, isNew: false };
  carry(run, EXECUTION_CHANNEL, {
    id,
    startedAt,
    attempt: attempt + 1,
    ...(manifestHash === null ? {} : { manifestHash }),
    ...(attempts.begin === undefined ? {} : { begin: attempts.begin }),
  });
  attempts.pending = pending;
  const fork = wanted.restart === "resume" ? undefined : at?.checkpoint.id;
  const { runId: _runId, ...config } = request.config;
  const { checkpoint_id: _from, ...configurable } = config.configurable ?? {};
  return {
    ...request,
    execution: run.execution,
    // Without a checkpointer nothing is left of the attempt: the input begins it again.
    input: at === undefined ? request.input : null,
    state: Object.fromEntries([...plan.reset.keys()].map((name) => [name, held.get(name)])),
    supersedes: undefined,
    missingNodes: [],
    deadResumes: 0,
    config: {
      ...config,
      metadata: { ...config.metadata, execution_attempt: attempt + 1 },
      configurable: fork === undefined ? configurable : { ...configurable, checkpoint_id: fork },
    },
  };
}

/** Makes an attempt durable that goes on where it stands, and says that it begins. */
export async function beginAttempt({ plan, run, checkpointer }: AttemptSource): Promise<void> {
  const pending = run.attempts?.pending;
  if (pending === undefined) return;
  markRoot(run, { metadata: { execution_attempt: run.execution.attempt } });
  run.emitter.emit(
    "core",
    "attempt-started",
    { node: null },
    {
      detail: { restart: pending.restart, checkpoint: pending.at?.checkpoint.id ?? null },
    },
  );
  if (pending.restart !== "resume" || pending.at === undefined) return;
  // A checkpoint of its own would take the results of finished siblings from it: a memo does not.
  const sequence = { sequence: run.emitter.sequence() };
  carry(run, EXECUTION_CHANNEL, sequence);
  if (checkpointer !== undefined) {
    const kept = channelUpdates(run.carried, run, plan.reset);
    await putMemos(checkpointer, pending.at.config, kept);
  }
}

async function startingPoint(
  { run, checkpointer, start }: AttemptSource,
  { begin, decision }: AttemptPoints,
  wanted: NextAttempt,
): Promise<PendingAttempt> {
  const { restart } = wanted;
  const { thread_id, checkpoint_ns } = start;
  if (checkpointer === undefined || thread_id === undefined) {
    if (restart === "start") return { restart, at: undefined, head: undefined };
    throw unavailable(
      `restart "${restart}" begins at a checkpoint, and the graph runs without a checkpointer`,
      wanted,
    );
  }
  if (checkpoint_ns !== "") {
    throw unavailable(
      "the graph runs inside a node of a graph without middleware, which owns its checkpoints",
      wanted,
    );
  }
  const head = await checkpointer.getTuple({ configurable: { thread_id, checkpoint_ns } });
  if (restart === "resume") {
    return { restart, at: found(head, "the thread's newest one", wanted), head };
  }
  // It failed before its input was written: nothing is left of it, and the input begins it again.
  if (begin === undefined && decision === undefined && ownerOf(head) !== run.execution.id) {
    return { restart, at: undefined, head };
  }
  const id =
    restart === "start"
      ? begin
      : (decision ?? (await lastDecision(checkpointer, head, begin)) ?? begin);
  const at =
    id === undefined
      ? undefined
      : await checkpointer.getTuple(checkpointAt(thread_id, checkpoint_ns, id));
  const tuple = found(at, id ?? "the execution's first one", wanted);
  const owner = ownerOf(tuple);
  // Some savers answer with their newest checkpoint whatever they are asked for.
  if (tuple.checkpoint.id !== id || (owner !== undefined && owner !== run.execution.id)) {
    found(undefined, String(id), wanted);
  }
  return { restart, at: tuple, head };
}

/** The execution a checkpoint belongs to. */
function ownerOf(tuple: CheckpointTuple | undefined): unknown {
  const held = tuple?.checkpoint.channel_values[EXECUTION_CHANNEL];
  return entriesOf(held, EXECUTION_CHANNEL, null)["id"];
}

function found(
  tuple: CheckpointTuple | undefined,
  which: string,
  { cause, restart }: NextAttempt,
): CheckpointTuple {
  if (tuple !== undefined) return tuple;
  throw new CoreError({
    code: "fork-point-missing",
    cause,
    message: `The next attempt was to begin again (restart "${restart}") at checkpoint ${which}, and the checkpointer does not have it: it was pruned, the checkpointer keeps no history, or durability "exit" never wrote it. Keep the checkpoints of open executions, or use restart "resume".`,
    details: { checkpoint: which, restart },
  });
}

function unavailable(why: string, { cause, restart }: NextAttempt): CoreError {
  return new CoreError({
    code: "attempt-unavailable",
    cause,
    message: `There can be no further attempt: ${why}.`,
    details: { restart },
  });
}
