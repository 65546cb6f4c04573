import { Command } from "@langchain/langgraph";

import { CoreError } from "../errors.ts";
import { eventEmitter } from "../event/emit.ts";
import type { EventEmitter } from "../event/emit.ts";
import type {
  HookContext,
  HookRuntime,
  MiddlewareDefinition,
  MiddlewareMode,
  PrivateChannel,
  PrivateState,
} from "../middleware.ts";
import { keepMemo } from "../state/memo.ts";
import {
  bufferEntries,
  entriesOf,
  mergeEntries,
  readEntries,
  readNative,
} from "../state/private-state.ts";
import { markRoot, setMarks } from "../trace/live-root.ts";
import type { NewMarks } from "../trace/live-root.ts";
import { liveRun } from "../trace/live-run.ts";
import {
  EXECUTION_CHANNEL,
  ambientConfigurable,
  defaultScope,
  derivedExecutionId,
  nodePath,
} from "./execution.ts";
import type { ExecutionInfo } from "./execution.ts";
import { sharedRetryBudget } from "./retry-budget.ts";
import type { RetryBudgetHolder } from "./retry-budget.ts";
import { carry } from "./scope.ts";
import type { AmbientScope, CallScope, NodeScope, RunScope } from "./scope.ts";

type AnyDefinition = MiddlewareDefinition<Record<string, unknown>>;
type Entries = Readonly<Record<string, unknown>>;

interface ContextSource {
  readonly kind: CallScope["kind"];
  readonly definition: AnyDefinition;
  readonly mode: MiddlewareMode;
  readonly scope: AmbientScope;
  readonly request: { runtime: HookRuntime; state: Readonly<Record<string, unknown>> };
  readonly stream: CallScope["stream"];
}

interface BuiltContext {
  readonly context: HookContext;
  /** Hands native state to LangChain; undefined where there is a node scope to carry it. */
  readonly finish?: <Result>(result: Result) => Result;
}

/** Builds what a hook of a call gets as its third argument. */
export function hookContext(source: ContextSource): BuiltContext {
  const { scope } = source;
  return scope.graph === undefined || scope.node === undefined
    ? nativeContext(source)
    : nodeContext(source, scope.node);
}

/** Builds what `wrapRun` gets: the run's own state, which waits for the input or the next node. */
export function runContext(
  definition: AnyDefinition,
  mode: MiddlewareMode,
  run: RunScope,
  held: (channel: string) => unknown,
): HookContext {
  const write = (channel: string, entries: Entries): void => {
    carry(run, assertDeclared(definition, channel), entries);
    noteIdentity(run, channel, entries);
  };
  return {
    // What another hook of the run froze or wrote meanwhile counts.
    get options() {
      return optionsOf(definition, run);
    },
    live: definition.live ?? {},
    mode,
    get execution() {
      return run.execution;
    },
    node: null,
    callSite: null,
    native: false,
    tokensShown: () => false,
    state: {
      read: (channel) =>
        mergeEntries(
          entriesOf(held(channel), assertDeclared(definition, channel), run.execution.id),
          run.carried.get(channel),
        ),
      write,
      save: async (channel, entries) => {
        write(channel, entries);
        await run.keep(channel, entries);
      },
    },
    memory: memoryOf(run.memory, definition.name),
    retryBudget: sharedRetryBudget(run),
    now: run.clock,
    annotate: (marks) => markRoot(run, marks),
    emit: (name, fields) => void run.emitter.emit(definition.name, name, { node: null }, fields),
  };
}

function nodeContext(source: ContextSource, node: NodeScope): BuiltContext {
  const { definition, mode, request } = source;
  const { run } = node.graph;
  const context: HookContext = {
    options: optionsOf(definition, run),
    live: definition.live ?? {},
    mode,
    execution: run.execution,
    node: node.path,
    callSite: callSiteOf(source, node.path),
    native: false,
    tokensShown: () => source.stream?.shown === true,
    state: nodeState(definition, node),
    memory: memoryOf(run.memory, definition.name),
    retryBudget: sharedRetryBudget(run),
    now: run.clock,
    annotate: (marks) => markRoot(run, marks),
    emit: (name, fields) =>
      void run.emitter.emit(
        definition.name,
        name,
        { node: node.path, write: request.runtime.writer },
        fields,
      ),
  };
  return { context };
}

function nodeState(definition: AnyDefinition, node: NodeScope): PrivateState {
  const { run } = node.graph;
  const write = (channel: string, entries: Entries): void => {
    bufferEntries(node.writes, assertDeclared(definition, channel), entries);
    noteIdentity(run, channel, entries);
  };
  return {
    read: (channel) => readEntries(node, assertDeclared(definition, channel), run.execution.id),
    write,
    save: async (channel, entries) => {
      write(channel, entries);
      await keepMemo(node, ownerOf(definition, channel, run.execution.id), channel, entries);
    },
  };
}

/** Whose the entries of a channel are: the execution's, or the whole thread's. */
function ownerOf({ state }: AnyDefinition, channel: string, executionId: string): string | null {
  const channels: Readonly<Record<string, PrivateChannel>> = state ?? {};
  return channels[channel]?.reset === "never" ? null : executionId;
}

function optionsOf(
  definition: AnyDefinition,
  { frozenOptions }: RunScope,
): Readonly<Record<string, unknown>> {
  return frozenOptions.get(definition.name) ?? definition.options;
}

/** What is written to the execution's identity is true at once for all that asks in this process. */
function noteIdentity(
  run: RunScope,
  channel: string,
  { manifestHash }: Readonly<Record<string, unknown>>,
): void {
  if (channel !== EXECUTION_CHANNEL || typeof manifestHash !== "string") return;
  run.execution = { ...run.execution, manifestHash };
}

function memoryOf<Key>(memory: Map<Key, Map<string, unknown>>, key: Key): Map<string, unknown> {
  const known = memory.get(key);
  if (known !== undefined) return known;
  const fresh = new Map<string, unknown>();
  memory.set(key, fresh);
  return fresh;
}

function callSiteOf({ kind, scope }: ContextSource, path: string): string | null {
  return kind === "model" ? (scope.call?.site ?? `${path}#0`) : null;
}

// Native createAgent: no run seam, so identity is derived and a run's memory lives as long as its
// execution is among the most recent ones.
interface NativeRun extends RetryBudgetHolder {
  execution: ExecutionInfo;
  emitter: EventEmitter;
  /** By definition, not by name: code that was replaced while the process ran remembers nothing. */
  memory: Map<AnyDefinition, Map<string, unknown>>;
}
const NATIVE_RUNS_KEPT = 1_000;
const nativeRuns = new Map<string, NativeRun>();

function nativeRun(threadId: string | null, scope: string, messages: unknown): NativeRun {
  const id = derivedExecutionId(scope, messages);
  const known = nativeRuns.get(id);
  if (known !== undefined) return known;
  const execution: ExecutionInfo = {
    id,
    attempt: 1,
    startedAt: new Date().toISOString(),
    threadId,
    scope,
    isNew: true,
    manifestHash: null,
    derived: true,
  };
  const run: NativeRun = {
    execution,
    memory: new Map(),
    emitter: eventEmitter(() => execution, 0, {
      listeners: [],
      store: undefined,
      clock: Date.now,
      mode: "live",
      onSinkError: () => undefined,
    }),
  };
  nativeRuns.set(id, run);
  const oldest = nativeRuns.keys().next().value;
  if (nativeRuns.size > NATIVE_RUNS_KEPT && oldest !== undefined) nativeRuns.delete(oldest);
  return run;
}

/** Without a run seam the root run is looked for each time, from where the hook stands. */
function markLiveRoot(marks: NewMarks): void {
  const root = liveRun()?.root;
  if (root !== undefined) setMarks(root, marks);
}

function nativeContext(source: ContextSource): BuiltContext {
  const { kind, definition, mode, request } = source;
  const configurable = ambientConfigurable();
  const threadId = typeof configurable["thread_id"] === "string" ? configurable["thread_id"] : null;
  const namespace = configurable["checkpoint_ns"];
  const path = typeof namespace === "string" ? nodePath(namespace) : "";
  const run = nativeRun(threadId, defaultScope({ configurable }), request.state["messages"]);
  const writes = new Map<string, Entries>();
  const write = (channel: string, entries: Entries): void =>
    bufferEntries(writes, assertDeclared(definition, channel), entries);
  const context: HookContext = {
    options: definition.options,
    live: definition.live ?? {},
    mode,
    execution: run.execution,
    node: path,
    callSite: callSiteOf(source, path),
    native: true,
    tokensShown: () => source.stream?.shown === true,
    memory: memoryOf(run.memory, definition),
    retryBudget: sharedRetryBudget(run),
    now: Date.now,
    annotate: markLiveRoot,
    state: {
      read: (channel) =>
        mergeEntries(
          entriesOf(readNative(assertDeclared(definition, channel)), channel, run.execution.id),
          writes.get(channel),
        ),
      write,
      save: async (channel, entries) => write(channel, entries),
    },
    emit: (name, fields) => {
      const where = { node: path, write: request.runtime.writer };
      const { severity } = run.emitter.emit(definition.name, name, where, fields);
      if (severity === "info") return;
      const metadata = { evenkeel_execution_id: run.execution.id };
      markLiveRoot({ tags: [`evenkeel:${name}`], metadata });
    },
  };
  const finish = <Result>(result: Result): Result => {
    // A structured response ends the agent, and a Command in its place would lose it.
    if (writes.size === 0 || isStructured(result)) return result;
    if (kind === "tool") {
      // A write sent from inside a task that fails later makes LangGraph take the task for done.
      throw new CoreError({
        code: "run-seam-required",
        middleware: definition.name,
        message: `${definition.name} keeps state around tool calls, which native createAgent cannot carry safely. Wrap the agent: withMiddleware(createAgent({ … })).`,
      });
    }
    const update = Object.fromEntries(
      [...writes].map(([channel, d]) => [
        channel,
        { v: 1, e: ownerOf(definition, channel, run.execution.id), d },
      ]),
    );
    return new Command({ update }) as unknown as Result;
  };
  return { context, finish };
}

/** What LangChain's own handler gives instead of a message where an answer has a form. */
function isStructured(result: unknown): boolean {
  return typeof result === "object" && result !== null && "structuredResponse" in result;
}

function assertDeclared(definition: AnyDefinition, channel: string): string {
  if (channel === EXECUTION_CHANNEL || Object.hasOwn(definition.state ?? {}, channel)) {
    return channel;
  }
  throw new CoreError({
    code: "state-not-declared",
    middleware: definition.name,
    message: `${definition.name} used private channel "${channel}" and declares ${Object.keys(definition.state ?? {}).join(", ") || "none"}. Declare it under \`state\`.`,
  });
}
