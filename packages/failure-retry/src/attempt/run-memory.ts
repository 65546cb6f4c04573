import type { ChunkGate } from "@evenkeel/core";

import type { SeenCall } from "../context/call-sequence.ts";
import { CHANNEL } from "../options.ts";
import type { RetryContext } from "../options.ts";

type Memory = Map<string, unknown>;

/** The calls of the attempt under way, by id, as this process saw them. */
export function seenIn(memory: Memory): Map<string, SeenCall> {
  return kept(memory, "calls", () => new Map<string, SeenCall>());
}

/** Repairs of the attempt under way that this process made, by the call they were made for. */
export function repairsIn(memory: Memory): Set<string> {
  return kept(memory, "repairs", () => new Set<string>());
}

/**
 * What earlier attempts left, by entry of the private channel: read once, as the run begins. An
 * attempt that begins at an earlier checkpoint finds none of it there, and has to be given it again.
 */
export function historyIn({ memory, state }: RetryContext): Record<string, unknown> {
  return kept(memory, "history", () =>
    Object.fromEntries(
      Object.entries(state.read(CHANNEL)).filter(
        ([key]) => key.startsWith("attempt:") || key === "standing",
      ),
    ),
  );
}

/** Names of the tools a model was offered last; unknown in a process that has called none. */
export function offeredIn(memory: Memory): { names: readonly string[] } {
  return kept(memory, "offered", () => ({ names: [] as readonly string[] }));
}

/** Keeps the gate of a run for the calls in it. */
export function openGate(memory: Memory, gate: ChunkGate): void {
  memory.set("chunks", gate);
}

/** The gate before the caller's stream; undefined outside a run that has one. */
export function gateIn(memory: Memory): ChunkGate | undefined {
  return memory.get("chunks") as ChunkGate | undefined;
}

function kept<Value>(memory: Memory, key: string, create: () => Value): Value {
  const known = memory.get(key) as Value | undefined;
  if (known !== undefined) return known;
  const fresh = create();
  memory.set(key, fresh);
  return fresh;
}
