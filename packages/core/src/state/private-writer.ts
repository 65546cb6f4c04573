import { Runnable } from "@langchain/core/runnables";
import type { RunnableConfig } from "@langchain/core/runnables";

import { CoreError } from "../errors.ts";
import type { NodeCache } from "../graph/compiled-graph.ts";
import type { PrivateChannel } from "../middleware.ts";
import { EXECUTION_CHANNEL } from "../run/execution.ts";
import type { NodeScope, RunScope } from "../run/scope.ts";
import { bufferEntries, channelUpdates, isIdentityNote, mergeEntries } from "./private-state.ts";
import type { ChannelValue } from "./private-state.ts";

type Send = (updates: [string, unknown][]) => void;

// By the function LangGraph gives a task to write with: the node and its writers share it, tasks do not.
const waiting = new WeakMap<Send, NodeScope>();

/** Leaves what a node's calls write to private channels for the node's writer. */
export function awaitsWriter(scope: NodeScope, config: Partial<RunnableConfig> | undefined): void {
  const send = sendOf(config);
  if (send !== undefined) waiting.set(send, scope);
}

/** What a node's first writer writes, as LangGraph builds it: an update of the user's state. */
interface UpdateWriter {
  readonly writes: { readonly value: unknown; readonly mapper: Runnable }[];
}

/**
 * Has a node's private state written in one go with its update of the user's state, once that was
 * accepted: a write of a task that fails afterwards would make LangGraph take the task for done.
 */
// A writer of its own would be a step of its own in every node's sequence.
export function addPrivateWrites(writer: unknown, reset: PrivateReset): void {
  const [update] = (writer as Partial<UpdateWriter> | undefined)?.writes ?? [];
  if (update?.mapper === undefined) {
    throw new CoreError({
      code: "invalid-graph",
      message:
        "A node of this LangGraph release writes its update in a way Evenkeel does not know. Supported is @langchain/langgraph ^1.4.0.",
    });
  }
  const mapper = new PrivateWrites(reset);
  (writer as UpdateWriter).writes.push({ value: update.value, mapper });
}

type PrivateReset = ReadonlyMap<string, PrivateChannel["reset"]>;

/** Maps a node's output to what its calls wrote to private channels. */
class PrivateWrites extends Runnable<unknown, [string, unknown][]> {
  lc_namespace: string[] = ["evenkeel", "writes"];
  readonly reset: PrivateReset;

  constructor(reset: PrivateReset) {
    super();
    this.reset = reset;
  }

  static override lc_name(): string {
    return "PrivateWrites";
  }

  override async invoke(
    _output: unknown,
    config?: Partial<RunnableConfig>,
  ): Promise<[string, unknown][]> {
    const send = sendOf(config);
    const scope = send === undefined ? undefined : waiting.get(send);
    if (send === undefined || scope === undefined) return [];
    waiting.delete(send);
    return updatesOf(scope, this.reset);
  }
}

/** Keeps private writes out of cached node results: a hit would hand them to another execution. */
export function keepOutOfCache(
  { cache }: { readonly cache?: NodeCache | undefined },
  reset: PrivateReset,
): void {
  if (cache === undefined) return;
  const set = cache.set.bind(cache);
  cache.set = (pairs) =>
    set(
      pairs.map((pair) => ({
        ...pair,
        value: pair.value.filter(([channel]) => !reset.has(channel)),
      })),
    );
}

function sendOf(config: Partial<RunnableConfig> | undefined): Send | undefined {
  return config?.configurable?.["__pregel_send"] as Send | undefined;
}

/** What waited at the level of the run goes with the first node of the outermost graph to complete. */
function carryOver(scope: NodeScope, run: RunScope): void {
  for (const [channel, entries] of run.carried) {
    scope.writes.set(channel, mergeEntries(entries, scope.writes.get(channel)));
  }
  run.carried.clear();
  const sequence = run.emitter.sequence();
  if (sequence > run.savedSequence) {
    const { manifestHash } = run.execution;
    scope.writes.set(EXECUTION_CHANNEL, {
      ...scope.writes.get(EXECUTION_CHANNEL),
      sequence,
      // Together, so that the higher sequence always has the newer hash.
      ...(manifestHash === null ? {} : { manifestHash }),
    });
    run.savedSequence = sequence;
  }
}

function updatesOf(scope: NodeScope, reset: PrivateReset): [string, unknown][] {
  const { graph } = scope;
  const { run, parent } = graph;
  if (parent === undefined) carryOver(scope, run);
  if (scope.writes.size === 0) return [];
  // A subgraph's state starts anew with its parent's next call of it: the parent keeps it as well.
  if (parent !== undefined) {
    for (const [channel, entries] of scope.writes) bufferEntries(parent.writes, channel, entries);
  }
  const here = new Map([...scope.writes].filter(([channel]) => graph.channels.has(channel)));
  return noteIdentity(channelUpdates(here, run, reset), run);
}

/** What an identity has become goes with another channel's update where there is one: a write less. */
function noteIdentity(
  updates: [string, ChannelValue][],
  { execution }: RunScope,
): [string, ChannelValue][] {
  const identity = updates.find(([channel]) => channel === EXECUTION_CHANNEL);
  const bearer = updates.find(
    ([channel, { e }]) => channel !== EXECUTION_CHANNEL && e === execution.id,
  );
  if (identity === undefined || bearer === undefined) return updates;
  const [, { d: notes }] = identity;
  if (Object.keys(notes).some((key) => !isIdentityNote(key))) return updates;
  const noted: [string, ChannelValue] = [bearer[0], { ...bearer[1], i: notes }];
  return updates
    .filter((update) => update !== identity)
    .map((update) => (update === bearer ? noted : update));
}
