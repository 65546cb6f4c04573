import { BinaryOperatorAggregate, ReducedValue, StateSchema } from "@langchain/langgraph";
import { z } from "zod";

import { CoreError } from "../errors.ts";
import type { PrivateChannel } from "../middleware.ts";
import { ambientConfigurable } from "../run/execution.ts";
import type { NodeScope, RunScope } from "../run/scope.ts";

/**
 * What a private channel holds: entries merged key by key. Merging the same update twice changes
 * nothing, parallel tasks never collide, and an update of another execution starts it afresh.
 */
export interface ChannelValue {
  readonly v: 1;
  /** The execution the entries belong to; null where they belong to the thread. */
  readonly e: string | null;
  readonly d: Readonly<Record<string, unknown>>;
  /** What the execution's identity has become since it was written itself. */
  readonly i?: IdentityNotes | undefined;
}

/** The parts of an execution's identity that change with what its calls do. */
export interface IdentityNotes {
  /** The highest event sequence. */
  readonly sequence?: number;
  readonly manifestHash?: string;
}

/** An empty private channel. */
const EMPTY_CHANNEL: ChannelValue = Object.freeze({ v: 1, e: null, d: Object.freeze({}) });

/** Merges an update into a private channel; the reducer of every one of them. */
export function mergeChannel(current: ChannelValue, update: ChannelValue): ChannelValue {
  if (update === undefined || update === null) return current;
  if (current === undefined || current === null) return update;
  const other = update.e !== null && current.e !== update.e;
  const i = other || current.i === undefined ? update.i : { ...current.i, ...update.i };
  return {
    v: 1,
    e: update.e ?? current.e,
    d: other ? update.d : mergeEntries(current.d, update.d),
    ...(i === undefined ? {} : { i }),
  };
}

/** True for the name of something that may be noted beside another channel's entries. */
export function isIdentityNote(key: string): key is keyof IdentityNotes {
  return key === "sequence" || key === "manifestHash";
}

/** An execution's identity with what was noted of it beside the entries of other channels. */
export function withNotes<Identity extends IdentityNotes & { readonly id?: string }>(
  identity: Identity,
  values: Iterable<unknown>,
): Identity {
  let known = identity;
  for (const value of values) {
    const { e, i } = (value ?? {}) as Partial<ChannelValue>;
    if (i === undefined || e !== identity.id) continue;
    // The newest has the highest sequence: what changes a hash is told by an event.
    if ((i.sequence ?? 0) >= (known.sequence ?? 0)) known = { ...known, ...i };
  }
  return known;
}

type Entries = Readonly<Record<string, unknown>>;

/**
 * Merges entries key by key, later over earlier; an entry that carries a `revision` gives way to
 * none of a lower one. Parallel tasks are applied in the order of their paths, not in the order in
 * which they came to an end, so what they count up together needs one.
 */
export function mergeEntries(earlier: Entries | undefined, later: Entries | undefined): Entries {
  const merged: Record<string, unknown> = { ...earlier, ...later };
  for (const key of Object.keys(later ?? {})) {
    if (outranks(earlier?.[key], merged[key])) merged[key] = earlier?.[key];
  }
  return merged;
}

/** True for an entry of a higher revision than the other. */
export function outranks(one: unknown, other: unknown): boolean {
  return revisionOf(one) > revisionOf(other);
}

function revisionOf(entry: unknown): number {
  const revision = (entry as { revision?: unknown } | null | undefined)?.revision;
  return typeof revision === "number" ? revision : Number.NEGATIVE_INFINITY;
}

/** A fresh LangGraph channel for private state. */
export function privateChannel(): BinaryOperatorAggregate<ChannelValue> {
  return new BinaryOperatorAggregate<ChannelValue>(mergeChannel, () => EMPTY_CHANNEL);
}

/** The state schema that gives native `createAgent` the same private channels. */
export function privateStateSchema(
  channels: Readonly<Record<string, PrivateChannel>>,
): StateSchema<Record<string, never>> | undefined {
  const names = Object.keys(channels);
  if (names.length === 0) return undefined;
  const value = z.custom<ChannelValue>().default(() => EMPTY_CHANNEL);
  const fields = Object.fromEntries(
    names.map((name) => [
      name,
      new ReducedValue(value, { inputSchema: z.custom<ChannelValue>(), reducer: mergeChannel }),
    ]),
  );
  return new StateSchema(fields) as unknown as StateSchema<Record<string, never>>;
}

/** The entries a channel value holds for an execution, refused where a newer version wrote it. */
export function entriesOf(
  value: unknown,
  channel: string,
  executionId: string | null,
): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {};
  const held = value as Partial<ChannelValue>;
  if (held.v !== 1 || typeof held.d !== "object" || held.d === null) {
    throw new CoreError({
      code: "state-version-unsupported",
      message: `Private channel "${channel}" holds version ${JSON.stringify(held.v)}; this release reads version 1. Resume this thread with the release that wrote it, or a later one.`,
      details: { channel, came: held.v ?? null, allowed: [1] },
    });
  }
  if (executionId !== null && held.e !== null && held.e !== executionId) return {};
  return held.d;
}

/** Reads a channel as a node sees it: outer graphs first, then its own, then what it wrote itself. */
export function readEntries(
  scope: NodeScope,
  channel: string,
  executionId: string | null,
): Readonly<Record<string, unknown>> {
  const outer = scope.graph.parent;
  const inherited = outer === undefined ? {} : readEntries(outer, channel, executionId);
  const own = scope.graph.channels.has(channel)
    ? entriesOf(scope.read(channel), channel, executionId)
    : {};
  return [own, scope.graph.run.carried.get(channel), scope.writes.get(channel)].reduce<Entries>(
    mergeEntries,
    inherited,
  );
}

/** Buffers entries until the node that wrote them has completed. */
export function bufferEntries(
  writes: Map<string, Entries>,
  channel: string,
  entries: Readonly<Record<string, unknown>>,
): void {
  writes.set(channel, mergeEntries(writes.get(channel), entries));
}

/** What a completed node sends to LangGraph for its buffered entries. */
export function channelUpdates(
  writes: ReadonlyMap<string, Entries>,
  run: RunScope,
  reset: ReadonlyMap<string, PrivateChannel["reset"]>,
): [string, ChannelValue][] {
  return [...writes].map(([channel, d]) => [
    channel,
    { v: 1, e: reset.get(channel) === "never" ? null : run.execution.id, d },
  ]);
}

/** Reads a channel of the task LangGraph is at work on: only where core has no node scope (native). */
export function readNative(channel: string): unknown {
  const read = ambientConfigurable()["__pregel_read"];
  if (typeof read !== "function") return undefined;
  const values = (read as (channels: string[]) => Record<string, unknown>)([channel]);
  return values[channel];
}
