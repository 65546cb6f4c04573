import type { BaseCheckpointSaver, CheckpointTuple } from "@langchain/langgraph";
import { isCommand } from "@langchain/langgraph";

import { CoreError } from "../errors.ts";
import { eventEmitter } from "../event/emit.ts";
import type { EvenkeelEvent } from "../event/event.ts";
import type { SeamBase, StreamOptions } from "../graph/compiled-graph.ts";
import type { SeamPlan } from "../graph/seam-plan.ts";
import { factsOf } from "../graph/stack.ts";
import type { StackEntry } from "../graph/stack.ts";
import type { RunRequest } from "../middleware.ts";
import { currentMode } from "../mode.ts";
import { sitesOf } from "../model/call-site.ts";
import {
  checkpointAt,
  firstCheckpoint,
  keepsForForks,
  missingMemos,
  putMemo,
  withMemos,
} from "../state/memo.ts";
import { bufferEntries, entriesOf, mergeChannel, withNotes } from "../state/private-state.ts";
import type { ChannelValue } from "../state/private-state.ts";
import { v7 } from "../store/ids.ts";
import { markRoot, sendLateMarks } from "../trace/live-root.ts";
import { joinTrace } from "../trace/trace-join.ts";
import { deadResumes, noteResume } from "./dead-resumes.ts";
import { EXECUTION_CHANNEL, defaultScope, derivedExecutionId, threadIdOf } from "./execution.ts";
import type { ExecutionInfo } from "./execution.ts";
import { enterThread } from "./live-threads.ts";
import { beginAttempt, nextAttempt } from "./next-attempt.ts";
import { headState, isOpen, missingNodes } from "./pending-tasks.ts";
import type { EarlyRead } from "./read-once.ts";
import { carry } from "./scope.ts";
import type { AttemptPoints, RunScope } from "./scope.ts";

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
  const configurable = { ...configurableOf(graph.config), ...options.configurable };
  const threadId = threadIdOf(configurable);
  const checkpointer = checkpointerOf(graph, configurable);
  const store = options.store ?? graph.store;
  const stack = plan.stack.filter(
    ({ definition }) => definition === undefined || currentMode(definition) !== "off",
  );
  assertNeeds(stack, plan, {
    checkpointer: checkpointer !== undefined && threadId !== null,
    store,
  });

  const start = startingPoint(graph, configurable);
  const tuple =
    checkpointer === undefined || threadId === null
      ? undefined
      : await checkpointer.getTuple({ configurable: start });
  const read =
    checkpointer === undefined || threadId === null
      ? undefined
      : { checkpointer, start, tuple, at: performance.now() };
  let values = withMemos(tuple, plan.reset);
  const held = (channel: string): unknown => values.get(channel);
  assertReadable(stack, held);
  const known = withNotes(
    entriesOf(held(EXECUTION_CHANNEL), EXECUTION_CHANNEL, null) as Identity,
    [...plan.reset.keys()].map(held),
  );
  const continues = tuple !== undefined && resumes(input, options, configurable, tuple);
  const messages = tuple?.checkpoint.channel_values["messages"];
  const execution = identify(plan, { known, continues, threadId, configurable, messages });
  const superseded =
    !continues && tuple !== undefined && typeof known.id === "string" && isOpen(tuple)
      ? { executionId: known.id }
      : undefined;

  const { eventStore } = plan.options;
  const startAfter = execution.isNew
    ? 0
    : Math.max(known.sequence ?? 0, (await eventStore?.lastSequence(execution.id)) ?? 0);
  const anchor = {
    wanted: keepsForForks(stack),
    namespace: start.checkpoint_ns,
    id: continues ? firstCheckpoint(known, tuple) : undefined,
  };
  const keep: RunScope["keep"] = async (channel, entries) => {
    if (checkpointer === undefined || anchor.id === undefined) return;
    if (options.durability === "exit") return;
    const beside = checkpointAt(threadId, start.checkpoint_ns, anchor.id);
    const owner = plan.reset.get(channel) === "never" ? null : execution.id;
    await putMemo(checkpointer, beside, owner, channel, entries);
  };
  const trace = continues ? known.trace : undefined;
  const attempts = attemptPoints(stack, known, continues ? tuple : undefined);
  const run = runScope(plan, execution, startAfter, { anchor, keep, trace, attempts });
  if (execution.isNew || execution.derived) {
    const { id, attempt, startedAt } = execution;
    carry(run, EXECUTION_CHANNEL, { id, attempt, startedAt });
  }
  /** Reads a checkpoint; without an owner only what belongs to the whole thread is taken over. */
  const readAt = async (
    at: CheckpointTuple,
    owner: string | null = execution.id,
    first: string | undefined = anchor.id,
  ): Promise<Map<string, unknown>> => {
    values = withMemos(at, plan.reset);
    if (checkpointer === undefined) return values;
    const origin = await originOf(at, { ...anchor, id: first }, checkpointer);
    for (const [channel, entries] of missingMemos(at, origin, owner, plan.reset)) {
      const e = plan.reset.get(channel) === "never" ? null : owner;
      const value = { v: 1 as const, e, d: entries };
      values.set(channel, mergeChannel(values.get(channel) as ChannelValue, value));
      bufferEntries(run.carried, channel, entries);
    }
    return values;
  };
  if (continues && tuple !== undefined && checkpointer !== undefined) {
    if (anchor.wanted && known.first === undefined) {
      carry(run, EXECUTION_CHANNEL, { first: anchor.id });
    }
    await readAt(tuple);
  } else if (superseded !== undefined && tuple !== undefined) {
    // Of an execution that was left open, what belongs to the whole thread goes on.
    await readAt(tuple, null, firstCheckpoint(known, tuple));
  }
  const resumed =
    attempts !== undefined && continues && !isCommand(input) && options.durability !== "exit"
      ? tuple
      : undefined;
  if (resumed !== undefined && checkpointer !== undefined) {
    await noteResume(checkpointer, resumed, execution, false);
  }
  announce(run, continues, superseded);
  const leave = enterThread(checkpointer, threadId, run);
  const given = withBound(graph.config, options);
  const joined = await joinTrace(run.trace, {
    own: given.callbacks,
    bound: graph.config?.["callbacks"],
  });
  const config = runConfig(stack, { ...given, callbacks: joined.callbacks }, run);
  const source = { plan, run, checkpointer, start, readAt };
  return {
    run,
    read,
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
      missingNodes:
        continues && tuple !== undefined ? missingNodes(tuple, new Set(plan.facts.nodes)) : [],
      onMissingNodes: (listener) => void (run.onMissingNodes = listener),
      store,
      liveOptions: (name) => plan.stack.find((entry) => entry.name === name)?.definition?.options,
      freezeOptions: (name, frozen) => void run.frozenOptions.set(name, frozen),
      runMode: plan.options.runMode ?? "live",
      onEvent: (listener) => void run.listeners.push(listener),
      beforeEnd: (listener) => void run.beforeEnd.push(listener),
      mayAttemptAgain: attempts !== undefined,
      deadResumes:
        resumed === undefined ? 0 : deadResumes(resumed, execution.id, execution.attempt),
      async nextAttempt(this: RunRequest, wanted) {
        return nextAttempt(source, this, wanted);
      },
      async readHead() {
        const { thread_id, checkpoint_ns } = start;
        if (checkpointer === undefined || threadId === null) return undefined;
        const head = await checkpointer.getTuple({ configurable: { thread_id, checkpoint_ns } });
        return head === undefined ? undefined : headState(head, plan.userChannels);
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

interface Identity {
  id?: string;
  attempt?: number;
  startedAt?: string;
  sequence?: number;
  manifestHash?: string;
  trace?: string;
  /** Id of the execution's first checkpoint. */
  first?: string;
  /** Id of the checkpoint at which the user's first nodes run. */
  begin?: string;
}

function attemptPoints(
  stack: readonly StackEntry[],
  known: Identity,
  tuple: CheckpointTuple | undefined,
): AttemptPoints | undefined {
  const declared = stack.some(
    ({ definition }) => definition?.attempts === true && currentMode(definition) === "enforce",
  );
  if (!declared) return undefined;
  // Until a node has completed the thread stands where its first nodes run, or one step before.
  const here = tuple?.metadata?.source === "input" ? undefined : tuple?.checkpoint.id;
  const begin = tuple === undefined ? undefined : (known.begin ?? here);
  return { begin, decision: undefined, pending: undefined, parentRunId: undefined };
}

/** The first checkpoint of a continued execution, where it is another one than it continues from. */
async function originOf(
  tuple: CheckpointTuple,
  { id, wanted }: RunScope["anchor"],
  checkpointer: BaseCheckpointSaver,
): Promise<CheckpointTuple | undefined> {
  if (!wanted || id === undefined) return undefined;
  const { thread_id, checkpoint_ns = "", checkpoint_id } = tuple.config.configurable ?? {};
  if (id === checkpoint_id) return undefined;
  return checkpointer.getTuple(checkpointAt(thread_id, String(checkpoint_ns), id));
}

interface IdentitySources {
  readonly known: Identity;
  readonly continues: boolean;
  readonly threadId: string | null;
  readonly configurable: Readonly<Record<string, unknown>>;
  readonly messages: unknown;
}

function identify(plan: SeamPlan, sources: IdentitySources): ExecutionInfo {
  const { known, continues, threadId, configurable, messages } = sources;
  const { createId = v7, clock = Date.now, scope = defaultScope } = plan.options;
  const shared = { threadId, scope: scope({ configurable }) };
  if (continues && typeof known.id === "string") {
    return {
      ...shared,
      id: known.id,
      attempt: known.attempt ?? 1,
      startedAt: known.startedAt ?? new Date(clock()).toISOString(),
      isNew: false,
      manifestHash: known.manifestHash ?? null,
      derived: false,
    };
  }
  return {
    ...shared,
    // A thread that was in flight before Evenkeel came: nothing holds an identity, so it is derived.
    id: continues ? derivedExecutionId(shared.scope, messages) : createId(),
    attempt: 1,
    startedAt: new Date(clock()).toISOString(),
    isNew: !continues,
    manifestHash: null,
    derived: continues,
  };
}

/** Continue whenever LangGraph itself would: no input, a Command, a nested resume, a re-run job. */
function resumes(
  input: unknown,
  options: StreamOptions,
  configurable: Readonly<Record<string, unknown>>,
  tuple: CheckpointTuple,
): boolean {
  if (input === null || input === undefined || isCommand(input)) return true;
  if (configurable["__pregel_resuming"] === true) return true;
  const runId = options.metadata?.["run_id"];
  return (
    runId !== undefined && (tuple.metadata as { run_id?: unknown } | undefined)?.run_id === runId
  );
}

function runScope(
  plan: SeamPlan,
  execution: ExecutionInfo,
  startAfter: number,
  kept: Pick<RunScope, "anchor" | "keep" | "trace" | "attempts">,
): RunScope {
  const { clock = Date.now, onEvent, eventStore, strict = false, runMode = "live" } = plan.options;
  const listeners = onEvent === undefined ? [] : [onEvent];
  const run: RunScope = {
    execution,
    listeners,
    frozenOptions: new Map(),
    modes: new Map(),
    memory: new Map(),
    carried: new Map(),
    standing: new Map(),
    ...kept,
    onMissingNodes: undefined,
    clock,
    strict,
    sites: sitesOf(plan),
    reported: new Set(),
    savedSequence: startAfter,
    writer: undefined,
    unwritten: [],
    root: undefined,
    project: undefined,
    tracer: undefined,
    marks: { tags: new Set(), metadata: new Map(), late: false },
    superseded: false,
    ending: undefined,
    output: undefined,
    beforeEnd: [],
    told: undefined,
    emitter: eventEmitter(() => run.execution, startAfter, {
      listeners,
      store: eventStore,
      clock,
      mode: runMode,
      fallback: (chunk) => (run.writer ?? ((late) => void run.unwritten.push(late)))(chunk),
      onSinkError: (error) => plan.options.onSinkError?.(error),
    }),
  };
  listeners.push((event) => markEvent(run, event));
  return run;
}

/** Reviewers see root-level tags and metadata first: what happened is said there. */
function markEvent(run: RunScope, event: EvenkeelEvent): void {
  if (event.severity === "info") return;
  markRoot(run, { tags: [`evenkeel:${event.name}`] });
}

function announce(
  run: RunScope,
  continues: boolean,
  superseded: { executionId: string } | undefined,
): void {
  if (superseded === undefined || continues) return;
  run.emitter.emit(
    "core",
    "execution-superseded",
    { node: null },
    {
      severity: "low",
      detail: superseded,
    },
  );
}

function runConfig(
  stack: readonly StackEntry[],
  options: StreamOptions,
  run: RunScope,
): StreamOptions {
  const { id, attempt } = run.execution;
  const needsSync = stack.some(({ definition }) => definition?.needs?.durability === "sync");
  const chosen = options.durability !== undefined || options.checkpointDuring !== undefined;
  return {
    ...options,
    metadata: { ...options.metadata, evenkeel_execution_id: id, execution_attempt: attempt },
    ...(needsSync && !chosen ? { durability: "sync" } : {}),
  };
}

/** What was bound with `withConfig` and says how a run goes: `wrapRun` sees it all in one config. */
function withBound(bound: StreamOptions = {}, options: StreamOptions): StreamOptions {
  const recursionLimit = options.recursionLimit ?? bound.recursionLimit;
  const context = options["context"] ?? bound["context"];
  // A thread bound to the graph is no thread of the caller's: LangGraph tells the two apart.
  const { thread_id: _thread, ...configurable } = bound.configurable ?? {};
  return {
    ...options,
    ...(recursionLimit === undefined ? {} : { recursionLimit }),
    ...(context === undefined ? {} : { context }),
    ...(bound.configurable === undefined
      ? {}
      : { configurable: { ...configurable, ...options.configurable } }),
  };
}

function configurableOf(config: Record<string, unknown> | undefined): Record<string, unknown> {
  return (config?.["configurable"] ?? {}) as Record<string, unknown>;
}

/** The checkpoint LangGraph will start from: inside a bare graph it has a namespace of its own. */
function startingPoint(
  graph: SeamBase,
  configurable: Readonly<Record<string, unknown>>,
): { thread_id: unknown; checkpoint_ns: string; checkpoint_id?: unknown } {
  const namespace = "__pregel_read" in configurable ? namespaceOf(graph, configurable) : "";
  const known = configurable["checkpoint_map"] as Record<string, string> | undefined;
  const id = configurable["checkpoint_id"] ?? (namespace === "" ? undefined : known?.[namespace]);
  return {
    thread_id: configurable["thread_id"],
    checkpoint_ns: namespace,
    ...(id === undefined ? {} : { checkpoint_id: id }),
  };
}

function namespaceOf(graph: SeamBase, configurable: Readonly<Record<string, unknown>>): string {
  const own = configurable["checkpoint_ns"];
  const given = typeof own === "string" ? own : "";
  const namespace = graph.checkpointer === true ? given.replaceAll(/:[^|]*/g, "") : given;
  const scratchpad = configurable["__pregel_scratchpad"] as { subgraphCounter: number } | undefined;
  // One node may call several graphs: from the second on they are told apart by a number.
  const before = scratchpad?.subgraphCounter ?? 0;
  return before > 0 ? `${namespace}|${before}` : namespace;
}

function checkpointerOf(
  graph: SeamBase,
  configurable: Readonly<Record<string, unknown>>,
): BaseCheckpointSaver | undefined {
  if (graph.checkpointer === false) return undefined;
  const given = configurable["__pregel_checkpointer"] ?? graph.checkpointer;
  return typeof given === "object" ? (given as BaseCheckpointSaver) : undefined;
}

// Once written to, state of a later release would pass for this one's: refuse before anything runs.
function assertReadable(stack: readonly StackEntry[], held: (channel: string) => unknown): void {
  for (const { definition } of stack) {
    for (const channel of Object.keys(definition?.state ?? {})) {
      entriesOf(held(channel), channel, null);
    }
  }
}

function assertNeeds(
  stack: readonly StackEntry[],
  plan: SeamPlan,
  has: { readonly checkpointer: boolean; readonly store: unknown },
): void {
  for (const { name, definition } of stack) {
    const needs = definition?.needs ?? {};
    const refuse = (
      code: "checkpointer-required" | "store-required" | "messages-required",
      message: string,
    ): never => {
      throw new CoreError({ code, middleware: name, message: `${name} ${message}` });
    };
    if (needs.checkpointer === true && !has.checkpointer) {
      refuse(
        "checkpointer-required",
        "needs a checkpointer and a thread_id: compile the graph with one, and run it with configurable: { thread_id }.",
      );
    }
    if (needs.store === true && has.store === undefined) {
      refuse("store-required", "needs a LangGraph store: compile the graph with one.");
    }
    if (needs.messagesKey !== undefined && !plan.userChannels.includes(needs.messagesKey)) {
      refuse(
        "messages-required",
        `needs a message list and the graph has no channel "${needs.messagesKey}"; it has ${plan.userChannels.join(", ")}. Name the right one with \`messagesKey\`.`,
      );
    }
  }
}
