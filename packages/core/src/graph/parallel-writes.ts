import type { BaseChannel } from "@langchain/langgraph";

import type { Compiled } from "./compiled-graph.ts";
import { isCompiledGraph } from "./compiled-graph.ts";

/** The code of the warning, as Node prints it and as `process.on("warning")` hears it. */
const PARALLEL_CODE = "EVENKEEL_PARALLEL_WRITES";

// A server may build its graph anew for each request.
const warned = new Set<string>();

/**
 * Warns at construction of a channel for one value that two graphs, in nodes side by side, give back.
 * A graph in a node returns every key of its output that has a value, whether it changed it or not,
 * so that the first value in the channel fails the run. What a function returns only a run can tell.
 */
export function warnOfParallelWrites({ builder, channels }: Compiled): void {
  const single = Object.keys(channels).filter((name) => isLastValue(channels[name]));
  for (const [node, other] of sideBySide(builder.edges)) {
    const given = outputOf(builder.nodes[node]?.runnable);
    const alsoGiven = outputOf(builder.nodes[other]?.runnable);
    const shared = single.filter((name) => given.includes(name) && alsoGiven.includes(name));
    if (shared.length > 0) warnOnce(node, other, shared);
  }
}

function warnOnce(node: string, other: string, shared: readonly string[]): void {
  const names = shared.map((name) => `"${name}"`).join(", ");
  const message = `The graphs in nodes "${node}" and "${other}" run side by side and both give back ${names}, which can take one value in a superstep: with a value in it the run fails with InvalidUpdateError. Give the channel a reducer, or leave it out of the output schema of one of them.`;
  if (warned.has(message)) return;
  warned.add(message);
  process.emitWarning(message, { type: "EvenkeelWarning", code: PARALLEL_CODE });
}

/** Pairs of nodes that one node, or the start, leads to at once. */
function sideBySide(edges: Iterable<readonly [string, string]>): [string, string][] {
  const targets = new Map<string, string[]>();
  for (const [from, to] of edges) targets.set(from, [...(targets.get(from) ?? []), to]);
  return [...targets.values()].flatMap((nodes) =>
    nodes.flatMap((node, at) =>
      nodes.slice(at + 1).map((other): [string, string] => [node, other]),
    ),
  );
}

function outputOf(runnable: unknown): readonly string[] {
  if (!isCompiledGraph(runnable)) return [];
  const { outputChannels } = runnable;
  return typeof outputChannels === "string" ? [] : outputChannels;
}

/** Told by the name LangGraph gives its channels, which holds over two installed copies. */
function isLastValue(channel: BaseChannel | undefined): boolean {
  return channel?.lc_graph_name === "LastValue";
}
