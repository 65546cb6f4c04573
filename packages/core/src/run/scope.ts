import { AsyncLocalStorage } from "node:async_hooks";

import type { RunnableConfig } from "@langchain/core/runnables";
import type { CheckpointTuple, Command } from "@langchain/langgraph";

import type { EventEmitter, EventListener } from "../event/emit.ts";
import type { StackEntry } from "../graph/stack.ts";
import type {
  EndListener,
  MiddlewareMode,
  Restart,
  RunOutcome,
  RunRequest,
} from "../middleware.ts";
import { bufferEntries } from "../state/private-state.ts";
import type { LiveRootRun, RootMarks, Tracer } from "../trace/live-root.ts";
import type { ExecutionInfo } from "./execution.ts";
import type { RetryBudget } from "./retry-budget.ts";

/** One execution as it lives in this process: identity, frozen options, events, what is to be written. */
export interface RunScope {
  execution: ExecutionInfo;
  readonly emitter: EventEmitter;
  /** Hear every event; hooks of the run may join them. */
  readonly listeners: EventListener[];
  /** Frozen options by middleware name. */
  readonly frozenOptions: Map<string, Readonly<Record<string, unknown>>>;
  /** The modes of its middleware, by definition, as they were when each was first asked for. */
  readonly modes: Map<object, MiddlewareMode>;
  /** In-process memory by middleware name; gone with the process. */
  readonly memory: Map<string, Map<string, unknown>>;
  /** What every layer draws on before it tries again; the built-in one from the first draw on. */
  retryBudget?: RetryBudget | undefined;
  /** Private entries that wait for the input checkpoint or for the next node that completes. */
  readonly carried: Map<string, Readonly<Record<string, unknown>>>;
  /** What was said at the level of the run, whichever attempt counts. */
  readonly standing: Map<string, Readonly<Record<string, unknown>>>;
  /** Where attempts can begin again; undefined where no middleware declares `attempts`. */
  readonly attempts: AttemptPoints | undefined;
  /** The first checkpoint of the execution, where what holds in every fork of it is kept. */
  readonly anchor: {
    readonly wanted: boolean;
    /** Of the outermost graph with middleware, which a bare graph may call. */
    readonly namespace: string;
    id: string | undefined;
  };
  /** Hears of tasks of resumed subgraphs whose node is gone. */
  onMissingNodes: Parameters<RunRequest["onMissingNodes"]>[0] | undefined;
  /** Keeps entries beside the checkpoint a continued run starts from; a new one has none yet. */
  readonly keep: (channel: string, entries: Readonly<Record<string, unknown>>) => Promise<void>;
  readonly clock: () => number;
  readonly strict: boolean;
  /** Ordinals of the models the graph calls, by place. */
  readonly sites: Map<string, SiteOrdinals>;
  /** Call sites already reported as not wrapped, by their message. */
  readonly reported: Set<string>;
  /** The highest event sequence written to the checkpoint so far. */
  savedSequence: number;
  /** The custom stream of the outermost graph, open while its loop runs. */
  writer: ((chunk: unknown) => void) | undefined;
  /** Events that happened before the stream was open. */
  readonly unwritten: unknown[];
  /** Dotted order of the first run of this execution that was traced, where one was. */
  trace: string | undefined;
  /** The live root run of the trace, where the run is traced. */
  root: LiveRootRun | undefined;
  /** The project of the trace, by name. */
  project: string | undefined;
  /** What sends it. */
  tracer: Tracer | undefined;
  /** What waits to be set on the root run once there is one. */
  readonly marks: RootMarks;
  /** A newer input took over the thread while this run was at work in the same process. */
  superseded: boolean;
  /** Set by the loop once it ended: what LangGraph's own status says. */
  ending: "completed" | "interrupted" | undefined;
  /** What the graph gave, once its loop has ended. */
  output: unknown;
  /** The thread's `messages` as its loop left them. */
  messages: readonly unknown[];
  /** Asked once the loop has ended, before the trace's root run does. */
  readonly beforeEnd: EndListener[];
  /** The outcome they were asked with last. */
  told: RunOutcome["status"] | undefined;
}

/** An attempt that was asked for and has not begun. */
export interface PendingAttempt {
  readonly restart: Restart;
  /** Where it begins; undefined where the graph has no checkpointer. */
  readonly at: CheckpointTuple | undefined;
  /** The newest checkpoint of the thread, which the failed attempt left. */
  readonly head: CheckpointTuple | undefined;
}

/** Checkpoints of an execution at which an attempt can begin again, by id. */
export interface AttemptPoints {
  /** Where the first nodes of the user run: messages have their ids from here on. */
  begin: string | undefined;
  /** Where the last call of a model in this process was made. */
  decision: string | undefined;
  /** What the loop that comes next begins with: a fork of a checkpoint, or entries beside the head. */
  pending: PendingAttempt | undefined;
  /** The run of the trace that all attempts of this process hang under. */
  parentRunId: string | undefined;
}

/** A graph with middleware inside a run, under the graphs around it. */
export interface GraphScope {
  readonly run: RunScope;
  /** Outermost graph's middleware first. */
  readonly stack: readonly StackEntry[];
  /** The node of the graph around it that this graph runs in. */
  readonly parent: NodeScope | undefined;
  /** Private channels this graph has. */
  readonly channels: ReadonlySet<string>;
}

/** One node at work: where reads come from and writes wait until it has completed. */
export interface NodeScope {
  readonly graph: GraphScope;
  /** Node path without task ids. */
  readonly path: string;
  readonly node: string;
  readonly read: (channel: string) => unknown;
  readonly writes: Map<string, Readonly<Record<string, unknown>>>;
  /** Commands that foreign middleware returned around calls of this node. */
  readonly commands: Command[];
  /** Ordinals of the models that were wrapped inside this node, by place. */
  readonly sites: Map<string, SiteOrdinals>;
  /** What LangGraph runs the node under. */
  readonly config: Partial<RunnableConfig>;
  /** Why the node may not complete, whatever it made of the error: a call that had to be wrapped. */
  refusal?: Error | undefined;
  /** The user's channels as this node sees them. */
  readonly readState: () => Readonly<Record<string, unknown>>;
}

/** The ordinals of wrapped models at one place, by order of first call. */
export interface SiteOrdinals {
  /** By identity of the wrapped model, then by the shape of its call. */
  readonly of: WeakMap<object, Map<string, number>>;
  count: number;
}

/** One call of a model or tool on its way through the middleware. */
export interface CallScope {
  readonly kind: "model" | "tool";
  /** Tells a call from another one made inside it: the tool call's id, or the model call's own. */
  readonly id: string;
  /** The call site, for a model. */
  readonly site?: string | undefined;
  /** The name of the tool, for a tool. */
  readonly name?: string | undefined;
  /** The middleware this call has passed, by name. */
  readonly passed: Passed;
  /** Of a model call: whether a stream has been given tokens of it. */
  readonly stream?: { shown: boolean } | undefined;
  /** Of a tool call past its hooks: whether the tool has begun, so that what begins now is another call. */
  readonly tool?: { begun: boolean } | undefined;
}

/** Which middleware a call has passed. */
export type Passed = Pick<ReadonlySet<string>, "has">;

/** A call that has passed none. */
export const NONE_PASSED: Passed = { has: () => false };

/** What a call has passed, and one more. */
export function passedBy(name: string, before: Passed = NONE_PASSED): Passed {
  return { has: (other) => other === name || before.has(other) };
}

/** The side effect a tool is about to have, as the tool itself may ask for it. */
export interface AmbientEffect {
  /** Names the effect, whichever worker and attempt carries it out: what a payment API deduplicates by. */
  readonly key: string;
  /** The transaction that records the effect, where the effect is to commit with it. */
  readonly transaction?: unknown;
}

/** What is ambient at any point of a run. */
export interface AmbientScope {
  readonly effect?: AmbientEffect | undefined;
  readonly graph?: GraphScope | undefined;
  readonly node?: NodeScope | undefined;
  readonly call?: CallScope | undefined;
}

const KEY = Symbol.for("evenkeel.scope");

// Two installed copies of core must meet in one run, so the storage alone is process-wide.
const registry = globalThis as { [KEY]?: AsyncLocalStorage<AmbientScope> };
const storage: AsyncLocalStorage<AmbientScope> = (registry[KEY] ??=
  new AsyncLocalStorage<AmbientScope>());

/** The scope of the code that asks; empty outside a graph with middleware. */
export function ambientScope(): AmbientScope {
  return storage.getStore() ?? {};
}

/** Runs `work` under a scope, async continuations included. */
export function withScope<T>(scope: AmbientScope, work: () => T): T {
  return storage.run(scope, work);
}

/** The in-process memory of a middleware in the run that asks; undefined outside such a run. */
export function runMemory(middleware: string): ReadonlyMap<string, unknown> | undefined {
  return ambientScope().graph?.run.memory.get(middleware);
}

/** The execution the asking code runs in; undefined outside a graph with middleware. */
export function currentExecution(): ExecutionInfo | undefined {
  return ambientScope().graph?.run.execution;
}

/** The node at work, as an object of its own each time it is entered; undefined outside of one. */
export function currentNode(): object | undefined {
  return ambientScope().node;
}

/** The side effect the asking code is to have; undefined where nothing keeps it from happening twice. */
export function currentEffect(): AmbientEffect | undefined {
  return ambientScope().effect;
}

/** Runs a tool that can ask for its effect, or that has none. */
export function withEffect<T>(effect: AmbientEffect | undefined, work: () => T): T {
  return withScope({ ...ambientScope(), effect }, work);
}

/** Writes private entries at the level of the run: they wait for a checkpoint, in this attempt and any other. */
export function carry(
  run: Pick<RunScope, "carried" | "standing">,
  channel: string,
  entries: Readonly<Record<string, unknown>>,
): void {
  bufferEntries(run.carried, channel, entries);
  bufferEntries(run.standing, channel, entries);
}
