import type { FlagContext } from "../options.ts";
import type { CallSums } from "./gathered-run.ts";

const NONE: CallSums = {
  modelCalls: 0,
  toolCalls: 0,
  failedCalls: 0,
  inputTokens: 0,
  outputTokens: 0,
  costUsd: 0,
};

/** Adds a call to the sums of its node, which go into the checkpoint when the node has completed. */
export function countCall(channel: string, context: FlagContext, call: Partial<CallSums>): void {
  const { memory, state, node } = context;
  const key = `node:${node ?? ""}`;
  // Memory first: two calls of one step do not see what the other wrote.
  const before = sumsOf(memory.get(key) ?? state.read(channel)[key]);
  const sums = add(before, call);
  memory.set(key, sums);
  state.write(channel, { [key]: sums });
}

/** The sums of all nodes: what the checkpoint held, and over it what this process counted. */
export function totalSums(
  held: Readonly<Record<string, unknown>>,
  memory: ReadonlyMap<string, unknown>,
): CallSums {
  const nodes = new Map([...Object.entries(held), ...memory]);
  return [...nodes]
    .filter(([key]) => key.startsWith("node:"))
    .reduce((total, [, sums]) => add(total, sumsOf(sums)), NONE);
}

function sumsOf(value: unknown): CallSums {
  return { ...NONE, ...(value as Partial<CallSums> | undefined) };
}

function add(one: CallSums, other: Partial<CallSums>): CallSums {
  return {
    modelCalls: one.modelCalls + (other.modelCalls ?? 0),
    toolCalls: one.toolCalls + (other.toolCalls ?? 0),
    failedCalls: one.failedCalls + (other.failedCalls ?? 0),
    inputTokens: one.inputTokens + (other.inputTokens ?? 0),
    outputTokens: one.outputTokens + (other.outputTokens ?? 0),
    costUsd: one.costUsd + (other.costUsd ?? 0),
  };
}
