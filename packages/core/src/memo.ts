import type { RunnableConfig } from "@langchain/core/runnables";
import type { BaseCheckpointSaver, CheckpointTuple } from "@langchain/langgraph";

import type { Compiled, StreamOptions } from "./compiled-graph.ts";
import { CoreError } from "./errors.ts";
import { EXECUTION_CHANNEL, threadIdOf } from "./execution.ts";
import { v7 } from "./ids.ts";
import { bufferEntries, entriesOf, mergeChannel } from "./private-state.ts";
import type { ChannelValue } from "./private-state.ts";
import type { NodeScope } from "./scope.ts";
import { planOf } from "./seam-plan.ts";
import type { GraphPlan } from "./seam-plan.ts";

/**
 * Writes private state of a paused thread from outside a run, durably and without a checkpoint of
 * its own: it waits beside the checkpoint as a pending write of a task nobody has, and the next run
 * of the thread reads it and carries it into its channel.
 */
export async function writeMemo(
  graph: object,
  config: RunnableConfig,
  channel: string,
  entries: Readonly<Record<string, unknown>>,
  before: (subject: MemoSubject) => Promise<void> = async () => undefined,
): Promise<MemoSubject> {
  const { checkpointer, threadId } = storageOf(graph, config, channel);
  const tuple = await checkpointer.getTuple({
    configurable: { thread_id: threadId, checkpoint_ns: "" },
  });
  const identity = entriesOf(
    tuple?.checkpoint.channel_values[EXECUTION_CHANNEL],
    EXECUTION_CHANNEL,
    null,
  );
  if (tuple === undefined || typeof identity["id"] !== "string") {
    throw new CoreError({
      code: "execution-unknown",
      message: `Thread "${threadId}" holds no execution: it has no checkpoint, or ran without middleware.`,
      details: { threadId },
    });
  }
  const subject = { executionId: identity["id"], threadId };
  await before(subject);
  await putMemo(checkpointer, tuple.config, identity["id"], channel, entries);
  return subject;
}

/** Whose state a memo is. */
export interface MemoSubject {
  readonly executionId: string;
  readonly threadId: string;
}

/** Keeps private state beside the checkpoint on which the outermost graph of a node is at work. */
export async function keepMemo(
  node: NodeScope,
  channel: string,
  entries: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { parent, run } = node.graph;
  if (parent !== undefined) return keepMemo(parent, channel, entries);
  const { configurable = {}, durability } = node.config as StreamOptions;
  const saver = configurable["__pregel_checkpointer"] as BaseCheckpointSaver | undefined;
  const checkpoints = configurable["checkpoint_map"] as Record<string, string> | undefined;
  const id = checkpoints?.[""];
  // Under durability "exit" the checkpoint a node works on is never written.
  if (saver === undefined || id === undefined || durability === "exit") return;
  const { thread_id } = configurable;
  const beside = { configurable: { thread_id, checkpoint_ns: "", checkpoint_id: id } };
  await putMemo(saver, beside, run.execution.id, channel, entries);
}

/** Keeps private state beside a checkpoint. */
export async function putMemo(
  checkpointer: BaseCheckpointSaver,
  beside: RunnableConfig,
  executionId: string,
  channel: string,
  entries: Readonly<Record<string, unknown>>,
): Promise<void> {
  const value: ChannelValue = { v: 1, e: executionId, d: entries };
  // Time-ordered ids: savers return pending writes by task id, so later memos are merged later.
  await checkpointer.putWrites(beside, [[channel, value]], v7());
}

/** Channel values of a checkpoint with the memos beside it merged in. */
export function withMemos(
  tuple: CheckpointTuple | undefined,
  channels: GraphPlan["reset"],
): ReadonlyMap<string, unknown> {
  const values = new Map<string, unknown>(Object.entries(tuple?.checkpoint.channel_values ?? {}));
  for (const [channel, value] of memosOf(tuple, channels)) {
    values.set(channel, mergeChannel(values.get(channel) as ChannelValue, value));
  }
  return values;
}

/** Hands memos to the run, which writes them into their channels with the first node to complete. */
export function carryMemos(
  tuple: CheckpointTuple,
  channels: GraphPlan["reset"],
  carried: Map<string, Record<string, unknown>>,
): void {
  for (const [channel, value] of memosOf(tuple, channels)) bufferEntries(carried, channel, value.d);
}

// A memo's id is of version 7; LangGraph's own task ids are of version 5.
const MEMO_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7/;

function memosOf(
  tuple: CheckpointTuple | undefined,
  channels: GraphPlan["reset"],
): [string, ChannelValue][] {
  return (tuple?.pendingWrites ?? [])
    .filter(([task, channel]) => MEMO_ID.test(task) && channels.has(channel))
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([, channel, value]) => [channel, value as ChannelValue]);
}

function storageOf(
  graph: object,
  config: RunnableConfig,
  channel: string,
): { checkpointer: BaseCheckpointSaver; threadId: string } {
  const plan = planOf(graph);
  if (plan === undefined || !plan.reset.has(channel)) {
    throw new CoreError({
      code: "invalid-graph",
      message: `A graph made by withMiddleware whose stack keeps "${channel}" is needed.`,
    });
  }
  const { checkpointer } = graph as Compiled;
  const threadId = threadIdOf(config.configurable ?? {});
  if (typeof checkpointer !== "object" || checkpointer === null || threadId === null) {
    throw new CoreError({
      code: "checkpointer-required",
      message: "A checkpointer and configurable: { thread_id } are needed to reach a thread.",
    });
  }
  return { checkpointer: checkpointer as BaseCheckpointSaver, threadId };
}
