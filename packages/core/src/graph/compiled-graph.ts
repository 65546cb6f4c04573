import type { Runnable } from "@langchain/core/runnables";
import type { BaseChannel, BaseCheckpointSaver, BaseStore, Checkpoint } from "@langchain/langgraph";

import type { RunManager } from "../trace/live-root.ts";

// The types of LangGraph's builder and compiled graph carry ten generics each; these are the parts
// that are copied, as LangGraph declares them.
/** A node as a StateGraph builder holds it. */
export interface NodeSpec {
  runnable: Runnable;
  /** The channels the node is given, by name. */
  input?: Record<string, unknown> | undefined;
  subgraphs?: unknown[] | undefined;
  isErrorHandler?: boolean | undefined;
}

/** The parts of a StateGraph builder that a copy must not share. */
export interface Builder {
  nodes: Record<string, NodeSpec>;
  edges: Set<[string, string]>;
  waitingEdges: Set<[string[], string]>;
  branches: Record<string, Record<string, unknown>>;
  channels: Record<string, BaseChannel>;
  compiled: boolean;
  readonly allEdges: Set<[string | string[], string]>;
  compile(options?: Record<string, unknown>): Compiled;
  _schemaDefinition: Record<string, unknown>;
  _inputDefinition: Record<string, unknown>;
  _schemaDefinitions: Map<unknown, Record<string, unknown>>;
  _createDefaultErrorHandlerSpec?(): NodeSpec | undefined;
}

/** The parts of a compiled graph that a copy replaces or reads. */
export interface Compiled extends Runnable {
  builder: Builder;
  nodes: Record<string, { readonly writers: Runnable[] }>;
  channels: Record<string, BaseChannel>;
  triggerToNodes: Record<string, string[]>;
  streamChannels?: string | string[];
  outputChannels: string | string[];
  checkpointer?: unknown;
  store?: unknown;
  config?: Record<string, unknown>;
  lg_is_pregel: boolean;
}

/** Configuration of one run as LangGraph's `_streamIterator` gets it. */
export type StreamOptions = Record<string, unknown> & {
  configurable?: Record<string, unknown>;
  metadata?: Record<string, unknown>;
  tags?: string[];
  callbacks?: unknown;
  signal?: AbortSignal;
  store?: BaseStore;
  durability?: string;
  checkpointDuring?: boolean;
  recursionLimit?: number;
};

/** The methods of LangGraph's compiled graph that the seam stands in. */
export interface SeamBase extends Compiled {
  _streamIterator(input: unknown, options?: StreamOptions): AsyncGenerator;
  _runLoop(parameters: LoopParameters): Promise<void>;
  _validateInput(input: unknown): Promise<unknown>;
  checkpointer?: BaseCheckpointSaver | boolean;
  store?: BaseStore;
}

/** The cache of node results as a run loop writes to it. */
export interface NodeCache {
  set(pairs: { value: [string, unknown][] }[]): Promise<void>;
}

/** A channel of a run loop; one that holds nothing throws when it is read. */
type LoopChannel = Pick<BaseChannel, "get" | "update">;

/** What LangGraph hands to its run loop. */
export interface LoopParameters {
  loop: {
    input: unknown;
    readonly isResuming: boolean;
    readonly checkpoint: Pick<Checkpoint, "id" | "channel_values" | "channel_versions">;
    checkpointMetadata: { readonly source?: string };
    checkpointer?: BaseCheckpointSaver | undefined;
    readonly config: { readonly configurable?: Record<string, unknown> };
    readonly checkpointConfig: { readonly configurable?: Record<string, unknown> };
    readonly channels: Readonly<Record<string, LoopChannel>>;
    /** Writes a checkpoint once those before it are written. */
    _checkpointerPutAfterPrevious?(put: { readonly checkpoint: Checkpoint }): void;
    /** True where the run was told to begin at the thread's newest checkpoint: then LangGraph forks nothing. */
    resumeAtHead: boolean;
    checkpointerGetNextVersion(current: number | string | undefined): number | string;
    status: string;
    readonly output: unknown;
    readonly manager?: RunManager | undefined;
    /** Made for this loop alone, around the cache the graph was compiled with. */
    readonly cache?: NodeCache | undefined;
    /** Keeps what a task has written, or why it failed; since 1.5 also what a cache had, as its third says. */
    putWrites(
      taskId: string,
      writes: [channel: string, value: unknown][],
      ...rest: readonly unknown[]
    ): void;
    tick(parameters: { inputKeys?: string | string[] }): Promise<boolean>;
  };
  config?: { writer?: (chunk: unknown) => void };
}

/** True for a compiled LangGraph graph of any installed copy. */
export function isCompiledGraph(candidate: unknown): candidate is Compiled {
  const graph = candidate as Partial<Compiled> | null | undefined;
  return (
    typeof graph === "object" &&
    graph !== null &&
    graph.lg_is_pregel === true &&
    isBuilder(graph.builder)
  );
}

/** True for a StateGraph builder of any installed copy. */
export function isBuilder(candidate: unknown): candidate is Builder {
  const builder = candidate as Partial<Builder> | null | undefined;
  return (
    typeof builder === "object" &&
    builder !== null &&
    typeof builder.compile === "function" &&
    typeof builder.nodes === "object" &&
    typeof builder.channels === "object" &&
    "_schemaDefinition" in builder
  );
}
