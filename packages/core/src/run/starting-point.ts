import type { BaseCheckpointSaver } from "@langchain/langgraph";

import type { SeamBase, StreamOptions } from "../graph/compiled-graph.ts";
import { threadIdOf } from "./execution.ts";

/** Where a run begins: its thread, and the checkpoint LangGraph will start from. */
export interface StartingPoint {
  readonly configurable: Readonly<Record<string, unknown>>;
  readonly threadId: string | null;
  /** Undefined where nothing of the run can be kept: no checkpointer, or no thread. */
  readonly checkpointer: BaseCheckpointSaver | undefined;
  readonly start: {
    readonly thread_id: unknown;
    readonly checkpoint_ns: string;
    readonly checkpoint_id?: unknown;
  };
}

/** Reads where a run begins off its options and what was bound to its graph. */
export function startingPoint(graph: SeamBase, options: StreamOptions): StartingPoint {
  const configurable = { ...configurableOf(graph.config), ...options.configurable };
  const threadId = threadIdOf(configurable);
  return {
    configurable,
    threadId,
    checkpointer: threadId === null ? undefined : checkpointerOf(graph, configurable),
    start: checkpointToStartFrom(graph, configurable),
  };
}

function configurableOf(config: Record<string, unknown> | undefined): Record<string, unknown> {
  return (config?.["configurable"] ?? {}) as Record<string, unknown>;
}

/** The checkpoint LangGraph will start from: inside a bare graph it has a namespace of its own. */
function checkpointToStartFrom(
  graph: SeamBase,
  configurable: Readonly<Record<string, unknown>>,
): StartingPoint["start"] {
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
