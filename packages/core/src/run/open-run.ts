import type { CheckpointTuple } from "@langchain/langgraph";
import { isCommand } from "@langchain/langgraph";

import type { SeamBase, StreamOptions } from "../graph/compiled-graph.ts";
import type { SeamPlan } from "../graph/seam-plan.ts";
import { factsOf } from "../graph/stack.ts";
import type { RunRequest } from "../middleware.ts";
import { currentMode } from "../mode.ts";
import { checkpointAt, firstCheckpoint, keepsForForks, putMemo } from "../state/memo.ts";
import { entriesOf, withNotes } from "../state/private-state.ts";
import { sendLateMarks } from "../trace/live-root.ts";
import { joinTrace } from "../trace/trace-join.ts";
import { assertNeeds, assertReadable } from "./assert-needs.ts";
import { attemptPoints } from "./attempt-points.ts";
import { deadResumes, noteResume } from "./dead-resumes.ts";
import { EXECUTION_CHANNEL } from "./execution.ts";
import { identify, resumes } from "./identify.ts";
import type { Identity } from "./identify.ts";
import { enterThread } from "./live-threads.ts";
import { beginAttempt, nextAttempt } from "./next-attempt.ts";
import type { AttemptSource } from "./next-attempt.ts";
import { headState, isOpen, missingNodes } from "./pending-tasks.ts";
import type { EarlyRead } from "./read-once.ts";
import { runConfig, withBound } from "./run-config.ts";
import { runScope } from "./run-scope.ts";
import { savedState } from "./saved-state.ts";
import type { SavedState } from "./saved-state.ts";
import { carry } from "./scope.ts";
import type { RunScope } from "./scope.ts";
import { startingPoint } from "./starting-point.ts";
import type { StartingPoint } from "./starting-point.ts";

/** A run that is ready to start: its scope, and what `wrapRun` hooks are asked with. */
export interface OpenedRun {
  readonly run: RunScope;
  /** All but the gate before the stream, which is the seam's. */
  readonly request: Omit<RunRequest, "chunks">;
  /** The checkpoint the run starts from; undefined where there can be none. */
  readonly read: EarlyRead | undefined;
  /** The value of a private channel in the checkpoint the attempt starts from. */
  readonly held: (channel: string) => unknown;
  /** Makes what an attempt after the first begins with durable. */
  begin(): Promise<void>;
  close(): Promise<void>;
}

/** Reads who a run is: a new execution, or the one its checkpoint holds; checks what it needs. */
export async function openRun(
  graph: SeamBase,
  plan: SeamPlan,
  input: unknown,
  options: StreamOptions,
): Promise<OpenedRun> {
  const point = startingPoint(graph, options);
  const { configurable, threadId, checkpointer, start } = point;
  const store = options.store ?? graph.store;
  const stack = plan.stack.filter(
    ({ definition }) => definition === undefined || currentMode(definition) !== "off",
  );
  assertNeeds(stack, plan, { checkpointer: checkpointer !== undefined, store });

  const tuple = await checkpointer?.getTuple({ configurable: start });
  let read =
    checkpointer === undefined ? undefined : { checkpointer, start, tuple, at: performance.now() };
  const saved = savedState(tuple, plan.reset, checkpointer);
  const { held } = saved;
  assertReadable(stack, held);
  const known = identityIn(held, plan);
  // What is continued; undefined for a new execution, and for a thread without a checkpoint.
  const from =
    tuple !== undefined && resumes(input, options, configurable, tuple) ? tuple : undefined;
  const left =
    from === undefined && tuple !== undefined && typeof known.id === "string" && isOpen(tuple)
      ? tuple
      : undefined;
  const superseded = left === undefined ? undefined : { executionId: String(known.id) };
  const messages = tuple?.checkpoint.channel_values["messages"];
  const continues = from !== undefined;
  const execution = identify(plan, { known, continues, threadId, configurable, messages });

  const startAfter = execution.isNew
    ? 0
    : Math.max(
        known.sequence ?? 0,
        (await plan.options.eventStore?.lastSequence(execution.id)) ?? 0,
      );
  const anchor = {
    wanted: keepsForForks(stack),
    namespace: start.checkpoint_ns,
    id: from === undefined ? undefined : firstCheckpoint(known, from),
  };
  const run = runScope(plan, execution, startAfter, {
    anchor,
    keep: keeper(point, plan, options, { anchor, owner: execution.id }),
    trace: continues ? known.trace : undefined,
    attempts: attemptPoints(stack, known, from),
  });
  if (execution.isNew || execution.derived) {
    const { id, attempt, startedAt } = execution;
    carry(run, EXECUTION_CHANNEL, { id, attempt, startedAt });
  }
  if (from !== undefined) {
    if (anchor.wanted && known.first === undefined) {
      carry(run, EXECUTION_CHANNEL, { first: anchor.id });
    }
    await saved.readAt(from, run, execution.id);
  } else if (left !== undefined) {
    // Of an execution that was left open, what belongs to the whole thread goes on.
    await saved.readAt(left, run, null, firstCheckpoint(known, left));
  }
  const resumed = await resumedAttempt(point, run, from, { input, options });
  if (superseded !== undefined) {
    run.emitter.emit(
      "core",
      "execution-superseded",
      { node: null },
      { severity: "low", detail: superseded },
    );
  }
  const leave = enterThread(checkpointer, threadId, run);
  const given = withBound(graph.config, options);
  const joined = await joinTrace(run.trace, {
    own: given.callbacks,
    bound: graph.config?.["callbacks"],
  });
  const config = runConfig(stack, { ...given, callbacks: joined.callbacks }, run);
  const source: AttemptSource = {
    plan,
    run,
    checkpointer,
    start,
    readAt: (at) => saved.readAt(at, run, execution.id),
  };
  return {
    run,
    get read() {
      return read;
    },
    held,
    begin: () => beginAttempt(source),
    request: {
      execution,
      input,
      config: config as RunRequest["config"],
      graph: plan.facts,
      middleware: factsOf(plan.stack),
      state: Object.fromEntries([...plan.reset.keys()].map((name) => [name, held(name)])),
      messages: Array.isArray(messages) ? messages : [],
      supersedes: superseded,
      missingNodes: from === undefined ? [] : missingNodes(from, new Set(plan.facts.nodes)),
      onMissingNodes: (listener) => void (run.onMissingNodes = listener),
      store,
      liveOptions: (name) => plan.stack.find((entry) => entry.name === name)?.definition?.options,
      freezeOptions: (name, frozen) => void run.frozenOptions.set(name, frozen),
      runMode: plan.options.runMode ?? "live",
      onEvent: (listener) => void run.listeners.push(listener),
      beforeEnd: (listener) => void run.beforeEnd.push(listener),
      mayAttemptAgain: run.attempts !== undefined,
      deadResumes:
        resumed === undefined ? 0 : deadResumes(resumed, execution.id, execution.attempt),
      async nextAttempt(this: RunRequest, wanted) {
        return nextAttempt(source, this, wanted);
      },
      async readHead() {
        const { thread_id, checkpoint_ns } = start;
        const head = await checkpointer?.getTuple({ configurable: { thread_id, checkpoint_ns } });
        return head === undefined ? undefined : headState(head, plan.userChannels);
      },
      async readAgain() {
        if (checkpointer === undefined) return true;
        const now = await checkpointer.getTuple({ configurable: start });
        read = { checkpointer, start, tuple: now, at: performance.now() };
        const { id } = identityIn(savedState(now, plan.reset, checkpointer).held, plan);
        // A further attempt finds the execution itself there, begun by the one before.
        return id === known.id || id === execution.id;
      },
    },
    close: async () => {
      leave();
      if (resumed !== undefined && checkpointer !== undefined && run.ending !== "completed") {
        await noteResume(checkpointer, resumed, execution, true).catch(plan.options.onSinkError);
      }
      await sendLateMarks(run);
      joined.leave();
      return run.emitter.flush();
    },
  };
}

/** Who the execution of a checkpoint is, with what other channels note of it. */
function identityIn(held: SavedState["held"], { reset }: SeamPlan): Identity {
  const entries = entriesOf(held(EXECUTION_CHANNEL), EXECUTION_CHANNEL, null) as Identity;
  return withNotes(entries, [...reset.keys()].map(held));
}

/** Keeps entries beside the first checkpoint of a continued execution; a new one has none yet. */
function keeper(
  { checkpointer, threadId, start }: StartingPoint,
  { reset }: SeamPlan,
  { durability }: StreamOptions,
  { anchor, owner }: { readonly anchor: RunScope["anchor"]; readonly owner: string },
): RunScope["keep"] {
  return async (channel, entries) => {
    // Under durability "exit" that checkpoint may never be written.
    if (checkpointer === undefined || anchor.id === undefined || durability === "exit") return;
    const beside = checkpointAt(threadId, start.checkpoint_ns, anchor.id);
    const whose = reset.get(channel) === "never" ? null : owner;
    await putMemo(checkpointer, beside, whose, channel, entries);
  };
}

/** Notes that an attempt is resumed which a process may have died in; undefined where it is none. */
async function resumedAttempt(
  { checkpointer }: StartingPoint,
  { attempts, execution }: RunScope,
  from: CheckpointTuple | undefined,
  { input, options }: { readonly input: unknown; readonly options: StreamOptions },
): Promise<CheckpointTuple | undefined> {
  // A Command answers a pause: nobody died.
  const none = attempts === undefined || isCommand(input) || options.durability === "exit";
  if (none || from === undefined || checkpointer === undefined) return undefined;
  await noteResume(checkpointer, from, execution, false);
  return from;
}
