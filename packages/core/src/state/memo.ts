import type { RunnableConfig } from "@langchain/core/runnables";
import type { BaseCheckpointSaver, CheckpointTuple } from "@langchain/langgraph";

import { CoreError } from "../errors.ts";
import type { Compiled, LoopParameters, StreamOptions } from "../graph/compiled-graph.ts";
import { planOf } from "../graph/seam-plan.ts";
import type { GraphPlan } from "../graph/seam-plan.ts";
import type { StackEntry } from "../graph/stack.ts";
import { EXECUTION_CHANNEL, threadIdOf } from "../run/execution.ts";
import { carry } from "../run/scope.ts";
import type { NodeScope, RunScope } from "../run/scope.ts";
import { v7 } from "../store/ids.ts";
import { bufferEntries, entriesOf, mergeChannel, outranks } from "./private-state.ts";
import type { ChannelValue } from "./private-state.ts";

/**
 * Writes private state of a paused thread from outside a run, durably and without a checkpoint of
 * its own: it waits beside the checkpoint as a pending write of a task nobody has, and the next run
 * of the thread reads it and carries it into its channel.
 */
export async function writeMemo(
  graph: object,
  config: RunnableConfig,
  channel: string,
  entries: Entries,
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
  const first = keepsForForks(planOf(graph)?.stack ?? [])
    ? firstCheckpoint(identity, tuple)
    : undefined;
  const beside = first === undefined ? tuple.config : checkpointAt(threadId, "", first);
  await before(subject);
  await putMemo(checkpointer, beside, identity["id"], channel, entries);
  return subject;
}

type Entries = Readonly<Record<string, unknown>>;

/** Whose state a memo is. */
export interface MemoSubject {
  readonly executionId: string;
  readonly threadId: string;
}

/** True where a middleware of the stack keeps state that holds in every fork of an execution. */
export function keepsForForks(stack: readonly StackEntry[]): boolean {
  return stack.some(({ definition }) =>
    Object.values(definition?.state ?? {}).some(({ forks }) => forks === "execution"),
  );
}

/** Where such state is kept. An execution says so with the first node that completes. */
export function firstCheckpoint(
  { first }: { readonly first?: unknown },
  tuple: CheckpointTuple | undefined,
): string | undefined {
  if (typeof first === "string") return first;
  // Until then it is at its input, or one step on: LangGraph's own start node comes before the user's.
  const at = tuple?.metadata?.source === "input" ? tuple.config : tuple?.parentConfig;
  return (at ?? tuple?.config)?.configurable?.["checkpoint_id"] as string | undefined;
}

/** Notes the first checkpoint of a new execution: what is kept beside it holds in every fork. */
export function anchorRun(run: RunScope, checkpointId: string): void {
  const { anchor } = run;
  if (!anchor.wanted || anchor.id !== undefined) return;
  anchor.id = checkpointId;
  carry(run, EXECUTION_CHANNEL, { first: checkpointId });
}

/** Has the first checkpoint of a new execution say itself that it is the first, at no further write. */
export function anchorInput(loop: LoopParameters["loop"], run: RunScope): void {
  const { anchor } = run;
  const put = loop._checkpointerPutAfterPrevious?.bind(loop);
  const own = loop.channels[EXECUTION_CHANNEL];
  if (!anchor.wanted || put === undefined || own === undefined) return;
  loop._checkpointerPutAfterPrevious = (written) => {
    loop._checkpointerPutAfterPrevious = put;
    const { id, channel_values: values } = written.checkpoint;
    // Under durability "exit" the first checkpoint that is written is the last one.
    if (loop.checkpointMetadata.source === "input") {
      const first: ChannelValue = { v: 1, e: run.execution.id, d: { first: id } };
      own.update([first]);
      values[EXECUTION_CHANNEL] = mergeChannel(values[EXECUTION_CHANNEL] as ChannelValue, first);
      bufferEntries(run.standing, EXECUTION_CHANNEL, first.d);
      anchor.id = id;
    }
    put(written);
  };
}

/** Keeps private state of a node beside the first checkpoint of its execution, or the current one. */
export async function keepMemo(
  node: NodeScope,
  owner: string | null,
  channel: string,
  entries: Entries,
): Promise<void> {
  const { parent, run } = node.graph;
  if (parent !== undefined) return keepMemo(parent, owner, channel, entries);
  const { configurable = {}, durability } = node.config as StreamOptions;
  const { namespace } = run.anchor;
  const saver = configurable["__pregel_checkpointer"] as BaseCheckpointSaver | undefined;
  const checkpoints = configurable["checkpoint_map"] as Record<string, string> | undefined;
  const first = run.anchor.wanted ? run.anchor.id : undefined;
  const id = first ?? checkpoints?.[namespace];
  // Under durability "exit" the checkpoint a node works on is never written.
  if (saver === undefined || id === undefined || durability === "exit") return;
  const beside = checkpointAt(configurable["thread_id"], namespace, id);
  await putMemo(saver, beside, owner, channel, entries);
}

/** Keeps private state of an execution, or of the whole thread, beside a checkpoint. */
export async function putMemo(
  checkpointer: BaseCheckpointSaver,
  beside: RunnableConfig,
  owner: string | null,
  channel: string,
  entries: Entries,
): Promise<void> {
  await putMemos(checkpointer, beside, [[channel, { v: 1, e: owner, d: entries }]]);
}

/** Keeps private state of several channels beside a checkpoint, all of it or none. */
export async function putMemos(
  checkpointer: BaseCheckpointSaver,
  beside: RunnableConfig,
  writes: [string, ChannelValue][],
): Promise<void> {
  // Time-ordered ids: savers return pending writes by task id, so later memos are merged later.
  await checkpointer.putWrites(beside, writes, v7());
}

/** Channel values of a checkpoint with the memos beside it merged in. */
export function withMemos(
  tuple: CheckpointTuple | undefined,
  channels: GraphPlan["reset"],
): Map<string, unknown> {
  const values = new Map<string, unknown>(Object.entries(tuple?.checkpoint.channel_values ?? {}));
  for (const { channel, value } of memosOf(tuple, channels)) {
    values.set(channel, mergeChannel(values.get(channel) as ChannelValue, value));
  }
  return values;
}

/**
 * The memos of an execution that its checkpoint does not have, by channel: those beside it, and of
 * those beside the execution's first checkpoint what is newer, or of another branch. Without an
 * execution only what belongs to the whole thread.
 */
export function missingMemos(
  tuple: CheckpointTuple,
  origin: CheckpointTuple | undefined,
  executionId: string | null,
  channels: GraphPlan["reset"],
): Map<string, Entries> {
  const missing = new Map<string, Entries>();
  const since = Date.parse(tuple.checkpoint.ts);
  const own = memosOf(tuple, channels).map((memo) => ({ ...memo, newer: true }));
  const others = memosOf(origin, channels).map((memo) => ({ ...memo, newer: memo.at >= since }));
  for (const { channel, value, newer } of [...others, ...own]) {
    if (value.e !== null && value.e !== executionId) continue;
    const held = entriesOf(tuple.checkpoint.channel_values[channel], channel, executionId);
    const fresh = Object.entries(value.d).filter(
      ([key, entry]) =>
        !Object.hasOwn(held, key) ||
        outranks(entry, held[key]) ||
        (newer &&
          !outranks(held[key], entry) &&
          JSON.stringify(held[key]) !== JSON.stringify(entry)),
    );
    if (fresh.length > 0) bufferEntries(missing, channel, Object.fromEntries(fresh));
  }
  return missing;
}

/** The config by which a saver finds a checkpoint. */
export function checkpointAt(thread: unknown, namespace: string, id: string): RunnableConfig {
  return { configurable: { thread_id: thread, checkpoint_ns: namespace, checkpoint_id: id } };
}

interface Memo {
  readonly channel: string;
  readonly value: ChannelValue;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

// A memo's id is of version 7, which begins with its time; LangGraph's own task ids are of version 5.
const MEMO_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7/;

function memosOf(tuple: CheckpointTuple | undefined, channels: GraphPlan["reset"]): Memo[] {
  return (tuple?.pendingWrites ?? [])
    .filter(([task, channel]) => MEMO_ID.test(task) && channels.has(channel))
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([task, channel, value]) => ({
      channel,
      value: value as ChannelValue,
      at: Number.parseInt(task.replace("-", "").slice(0, 12), 16),
    }));
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
