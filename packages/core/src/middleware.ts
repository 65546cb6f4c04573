import type { AIMessage, BaseMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import type { ToolCall } from "@langchain/core/messages/tool";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { BaseStore, Command, StateSchema } from "@langchain/langgraph";

import type { EvenkeelEvent, EvenkeelEventName, RunMode, Severity } from "./event/event.ts";
import type { ExecutionInfo } from "./run/execution.ts";
import type { SharedRetryBudget } from "./run/retry-budget.ts";

/** `enforce` acts, `observe` decides and reports but changes nothing, `off` is not there at all. */
export type MiddlewareMode = "enforce" | "observe" | "off";

/** What LangGraph hands to the hooks of a run, in LangChain's shape. */
export interface HookRuntime {
  readonly context?: unknown;
  readonly store?: BaseStore | undefined;
  readonly configurable?: Readonly<Record<string, unknown>> | undefined;
  readonly writer?: ((chunk: unknown) => void) | undefined;
  readonly interrupt?: ((value: unknown) => unknown) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One call of a chat model before it is made, in LangChain's shape. */
export interface ModelRequest {
  /** The model without tools bound to it. */
  readonly model: unknown;
  /** The text of `systemMessage`. Change one of the two, not both. */
  readonly systemPrompt?: string | undefined;
  readonly systemMessage: SystemMessage;
  /** The live messages without the system message: copy, never mutate. */
  readonly messages: BaseMessage[];
  /** The original tool objects, or plain JSON definitions. */
  readonly tools: readonly unknown[];
  readonly toolChoice?: unknown;
  readonly responseFormat?: unknown;
  /** Further call options: response format, stop words, parallel tool calls … */
  readonly modelSettings?: Readonly<Record<string, unknown>> | undefined;
  readonly state: Readonly<Record<string, unknown>>;
  readonly runtime: HookRuntime;
}

/** One call of a tool before it is made, in LangChain's shape. */
export interface ToolCallRequest {
  readonly toolCall: ToolCall;
  /** Undefined where the model called a tool that does not exist. */
  readonly tool?: unknown;
  readonly state: Readonly<Record<string, unknown>>;
  readonly runtime: HookRuntime;
}

/** What a call of a chat model comes to. */
export type ModelResult = AIMessage | Command;

/** What a call of a tool comes to. */
export type ToolResult = ToolMessage | Command;

/** The nodes and edges of a graph and a hash over them. */
export interface GraphFacts {
  readonly name: string;
  readonly nodes: readonly string[];
  readonly edges: readonly (readonly [string, string])[];
  /** SHA-256 over nodes and edges, including those of subgraph nodes. */
  readonly fingerprint: string;
}

/** One middleware of the stack as it is recorded: its name, its options as JSON, its mode. */
export interface MiddlewareFacts {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly mode: MiddlewareMode;
}

/** A task that waits in the checkpoint for a node this graph does not have. */
export interface MissingNode {
  readonly node: string;
  readonly kind: "edge" | "send";
}

/** One execution before it runs: what came in, what it continues, which stack it runs under. */
export interface RunRequest {
  readonly execution: ExecutionInfo;
  /** The input as the caller gave it: an object, a Command, or null. */
  readonly input: unknown;
  readonly config: RunnableConfig & Record<string, unknown>;
  readonly graph: GraphFacts;
  readonly middleware: readonly MiddlewareFacts[];
  /** Private state of the thread as the checkpoint holds it, by channel. */
  readonly state: Readonly<Record<string, unknown>>;
  /** The thread's `messages` as the checkpoint holds them; empty where there are none. */
  readonly messages: readonly unknown[];
  /** The execution that this new input ends while it was still open. */
  readonly supersedes?: { readonly executionId: string } | undefined;
  /** Pending tasks of a resumed thread whose node is gone from the graph. */
  readonly missingNodes: readonly MissingNode[];
  /** Told of such tasks of subgraphs, whose checkpoints are read once they are reached; may throw. */
  onMissingNodes(listener: (missing: readonly MissingNode[], graph: GraphFacts) => void): void;
  readonly store: BaseStore | undefined;
  /** The options a middleware of the stack was made with; undefined where it is not in the stack. */
  liveOptions(name: string): Readonly<Record<string, unknown>> | undefined;
  /** The options a middleware is to run under from here on, in place of the live ones. */
  freezeOptions(name: string, options: Readonly<Record<string, unknown>>): void;
  /** Where the run takes place: what is learnt of live, replayed and evaluated runs never mixes. */
  readonly runMode: RunMode;
  /** Has a listener hear every event of the run from here on, whoever emits it; what it throws fails nothing. */
  onEvent(listener: (event: EvenkeelEvent) => void): void;
  /** Has a listener asked whenever an attempt has come to its outcome and the trace's root run is still open. */
  beforeEnd(listener: EndListener): void;
  /** Whether a middleware of the stack may follow an attempt by another: none of them is the end then. */
  readonly mayAttemptAgain: boolean;
  /** How many resumes of this attempt, made at this very checkpoint, ended with their process. */
  readonly deadResumes: number;
  /** Ends the attempt under way as failed and prepares the next: hand what comes to the handler. */
  nextAttempt(wanted: NextAttempt): Promise<RunRequest>;
  /** What the thread has come to: undefined without a checkpointer, and before its first checkpoint. */
  readHead(): Promise<HeadState | undefined>;
  /**
   * Has the run begin from the thread as it is by now, for who won it from another worker; false where
   * another execution has begun on the thread since the run was opened.
   */
  readAgain(): Promise<boolean>;
  /** What the caller's stream is given, for whoever has to see an answer before it is delivered. */
  readonly chunks: ChunkGate;
}

/**
 * Where the next attempt begins: `"start"` where the execution's first nodes run, `"last-decision"`
 * before the last call of a model, `"resume"` with the task that failed.
 */
export type Restart = "start" | "last-decision" | "resume";

/** The newest checkpoint of a thread, of the user's own channels alone. */
export interface HeadState {
  readonly checkpointId: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** What tasks that finished beside one that did not have written: it is in no channel yet. */
  readonly pending: readonly (readonly [channel: string, value: unknown])[];
}

/** What a middleware that declares `attempts` asks for. */
export interface NextAttempt {
  readonly restart: Restart;
  /** What failed: it is kept as the `cause` where the next attempt cannot begin. */
  readonly cause: unknown;
  /** The class of the failure, for the `attempt-failed` event. */
  readonly failure?: string;
  /** JSON facts for the `attempt-failed` event. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** Holds back the chunks of a stream, and lets them go or not. */
export interface ChunkGate {
  /** From here on chunks wait. */
  hold(): void;
  /** Those that wait are delivered, and chunks pass again. */
  release(): void;
  /** Those that wait are never delivered, and chunks pass again. */
  drop(): void;
}

/** The root run of the trace, for whoever refers to it once it has ended. */
export interface RootRunFacts {
  readonly id: string;
  /** The project the trace is in, by name. */
  readonly project: string | null;
  /** ISO 8601, UTC. */
  readonly startTime: string | null;
  /** Its place in the trace. */
  readonly dottedOrder: string | null;
  /** The place of the execution's first run, which another process may have closed or left open. */
  readonly firstDottedOrder: string | null;
}

/**
 * Hears an outcome before the trace is closed, with the thread's `messages` as the run left them;
 * what it throws is ignored, the run waits for it.
 */
export type EndListener = (
  outcome: RunOutcome,
  root: RootRunFacts | null,
  messages: readonly unknown[],
) => void | Promise<void>;

/** How an execution ended for now. */
export type RunOutcome =
  /** With what the graph gave, where a middleware of the stack declares `attempts`. */
  | { readonly status: "completed"; readonly output?: unknown }
  | { readonly status: "interrupted" }
  | { readonly status: "superseded" }
  | { readonly status: "failed"; readonly error: unknown };

/** Reads and writes one middleware's private channels; the graph's own channels are out of reach. */
export interface PrivateState {
  /** The entries of a channel as this call sees them: what is checkpointed plus what this node wrote. */
  read(channel: string): Readonly<Record<string, unknown>>;
  /**
   * Merges entries into a channel; they count once the node they were written in has completed. Of
   * two writes of an entry the later holds, or the one with the higher `revision` in it: parallel
   * tasks are applied in the order of their paths.
   */
  write(channel: string, entries: Readonly<Record<string, unknown>>): void;
  /** The same, durable before it settles and without a checkpoint: it outlives a task that pauses, fails or is killed. */
  save(channel: string, entries: Readonly<Record<string, unknown>>): Promise<void>;
}

/** What an event carries beyond its name; identity, sequence and time are added by core. */
export interface EventFields {
  severity?: Severity;
  callId?: string;
  failure?: string;
  detail?: Readonly<Record<string, unknown>>;
}

/** What Evenkeel hands to its hooks as a third argument. */
export interface HookContext<
  Options extends object = Record<string, unknown>,
  Live extends object = Record<string, unknown>,
> {
  /** The options this execution began with; the live ones where nothing froze them. */
  readonly options: Options;
  /** What comes from the live process, as the factory was given it. */
  readonly live: Live;
  readonly mode: MiddlewareMode;
  readonly execution: ExecutionInfo;
  /** Where the call is made: checkpoint namespace without task ids, then node. Null in `wrapRun`. */
  readonly node: string | null;
  /** The place in the graph that calls a model: node path and ordinal. Null outside `wrapModelCall`. */
  readonly callSite: string | null;
  /** Without `withMiddleware`: LangChain runs the hook itself and there is no run seam. */
  readonly native: boolean;
  readonly state: PrivateState;
  /** Whether a stream has been given tokens of the model call the hook is around. */
  readonly tokensShown: () => boolean;
  /** Kept for as long as this run lives in this process, one per middleware; never persisted. */
  readonly memory: Map<string, unknown>;
  /** What every layer of the run draws on before it tries something again. */
  readonly retryBudget: SharedRetryBudget;
  /** Milliseconds since the epoch, from the clock of the run. */
  readonly now: () => number;
  /** Sets tags and metadata on the root run of the trace; nothing where the run is not traced. */
  readonly annotate: (marks: {
    tags?: readonly string[];
    metadata?: Readonly<Record<string, unknown>>;
  }) => void;
  readonly emit: (name: EvenkeelEventName, fields?: EventFields) => void;
}

/** Runs the rest of the stack and, in the end, the call itself. */
export type Handler<Request, Result> = (request: Request) => Promise<Result>;

/** A hook of Evenkeel: LangChain's `(request, handler)` and a context as third argument. */
export type Hook<Request, Result, Options extends object, Live extends object> = (
  request: Request,
  handler: Handler<Request, Result>,
  context: HookContext<Options, Live>,
) => Promise<Result>;

/** What must be there when a run starts. */
export interface MiddlewareNeeds {
  /** A checkpointer: without one the run is refused with `checkpointer-required`. */
  checkpointer?: boolean;
  /** A LangGraph store: without one the run is refused with `store-required`. */
  store?: boolean;
  /** The channel of the message list: without it the run is refused with `messages-required`. */
  messagesKey?: string;
  /** `withMiddleware`: without it the first hook throws `run-seam-required`. */
  run?: boolean;
  /** To survive a crash: the run gets durability `"sync"` unless its caller chose another. */
  durability?: "sync";
}

/** How a private channel behaves. */
export interface PrivateChannel {
  /** `"execution"` empties it for each new execution, `"never"` keeps it for the thread. @default "execution" */
  reset?: "execution" | "never";
  /** `"execution"` lets what was saved with `save` hold in every fork of the execution. @default "branch" */
  forks?: "branch" | "execution";
}

/** What an author writes; {@link defineMiddleware} makes a middleware of it. */
export interface MiddlewareDefinition<
  Options extends object,
  Live extends object = Record<string, unknown>,
> {
  /** Unique in a stack; the factory's name unless the user gave another. */
  name: string;
  /** The options that shape behaviour: recorded as JSON, frozen with the execution. */
  options: Options;
  /** What belongs to the live process: stores, functions, implementations. Never recorded. @default {} */
  live?: Live;
  /** @default "enforce", or what `EVENKEEL_MODE` says */
  mode?: MiddlewareMode | undefined;
  needs?: MiddlewareNeeds;
  /** Private channels by their name, which begins with an underscore. */
  state?: Readonly<Record<`_${string}`, PrivateChannel>>;
  /** Whether a hook may call its handler more than once. @default false */
  retries?: boolean;
  /** Whether `wrapRun` may ask for another attempt at the execution; its trace gets a run around them. @default false */
  attempts?: boolean;
  /** Whether a call that passed no seam fails the run instead of being reported. @default false */
  failClosed?: boolean;
  /**
   * Middleware this one must stand outside of where both are in a stack, and why, by name; `"*"` is
   * every other one of Evenkeel's. Another order is a warning at construction. @default none
   */
  outsideOf?: Readonly<Record<string, string>>;
  /** Tools the model gets where the graph has a recognised tool node. */
  tools?: readonly unknown[];
  wrapRun?: Hook<RunRequest, RunOutcome, Options, Live>;
  wrapModelCall?: Hook<ModelRequest, ModelResult, Options, Live>;
  wrapToolCall?: Hook<ToolCallRequest, ToolResult, Options, Live>;
}

/** The part of a middleware that only Evenkeel reads. */
export interface MiddlewareInternals {
  readonly version: 1;
  readonly definition: MiddlewareDefinition<Record<string, unknown>>;
  /** Options as JSON, functions replaced by their name and source hash. */
  readonly recordedOptions: Readonly<Record<string, unknown>>;
}

/**
 * A middleware: a plain object with LangChain's hook names, so `createAgent({ middleware })` takes
 * it as it is, and `wrapRun` beside them, which only `withMiddleware` can call.
 */
export interface Middleware {
  readonly name: string;
  readonly stateSchema?: StateSchema<Record<string, never>>;
  readonly tools?: readonly never[];
  // LangChain's own handler types fit these, whatever they ask of a request.
  wrapModelCall?(request: ModelRequest, handler: (request: never) => unknown): Promise<never>;
  wrapToolCall?(request: ToolCallRequest, handler: (request: never) => unknown): Promise<never>;
  readonly "~evenkeel": MiddlewareInternals;
}

/** A middleware of LangChain or of anyone who follows its contract; wrap hooks only. */
export interface ForeignMiddleware {
  readonly name: string;
  readonly stateSchema?: unknown;
  readonly contextSchema?: unknown;
  readonly tools?: readonly unknown[] | undefined;
  readonly wrapModelCall?: unknown;
  readonly wrapToolCall?: unknown;
  readonly beforeAgent?: unknown;
  readonly beforeModel?: unknown;
  readonly afterModel?: unknown;
  readonly afterAgent?: unknown;
}

/** Anything `withMiddleware` takes into a stack. */
export type AnyMiddleware = Middleware | ForeignMiddleware;

/** True for a middleware made by {@link defineMiddleware} of any installed copy of core. */
export function isEvenkeelMiddleware(candidate: unknown): candidate is Middleware {
  if (typeof candidate !== "object" || candidate === null) return false;
  const internals = (candidate as { "~evenkeel"?: { version?: unknown } })["~evenkeel"];
  return typeof internals === "object" && internals !== null && "definition" in internals;
}
