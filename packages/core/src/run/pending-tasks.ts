import type { Checkpoint, CheckpointTuple } from "@langchain/langgraph";

import type { HeadState, MissingNode } from "../middleware.ts";

const EDGE = "branch:to:";
const TASKS = "__pregel_tasks";

/** True where a checkpoint waits for something: input not yet taken in, an edge, or a Send. */
export function isOpen(tuple: CheckpointTuple): boolean {
  const values = tuple.checkpoint.channel_values;
  return (
    Object.hasOwn(values, "__start__") ||
    Object.keys(values).some((channel) => channel.startsWith(EDGE)) ||
    sends(values).length > 0
  );
}

/**
 * The tasks a checkpoint waits for whose node the graph does not have (any more). LangGraph ends
 * such a run without a word, and `getState().next` does not name them.
 */
export function missingNodes(
  { checkpoint }: { readonly checkpoint: Pick<Checkpoint, "channel_values"> },
  nodes: ReadonlySet<string>,
): MissingNode[] {
  const values = checkpoint.channel_values;
  const edges = Object.keys(values)
    .filter((channel) => channel.startsWith(EDGE))
    .map((channel): MissingNode => ({ node: channel.slice(EDGE.length), kind: "edge" }));
  const pushed = sends(values).map(({ node }): MissingNode => ({ node, kind: "send" }));
  const gone = [...edges, ...pushed].filter(({ node }) => !nodes.has(node));
  return gone.filter(
    ({ node, kind }, index) =>
      gone.findIndex((other) => other.node === node && other.kind === kind) === index,
  );
}

/** A checkpoint as far as it is the user's. */
export function headState(
  { checkpoint, pendingWrites = [] }: CheckpointTuple,
  userChannels: readonly string[],
): HeadState {
  const known = new Set(userChannels);
  const values = Object.entries(checkpoint.channel_values).filter(([name]) => known.has(name));
  return {
    checkpointId: checkpoint.id,
    values: Object.fromEntries(values),
    pending: pendingWrites
      .filter(([, channel]) => known.has(channel))
      .map(([, channel, value]) => [channel, value]),
  };
}

function sends(values: Readonly<Record<string, unknown>>): { node: string }[] {
  const pending = values[TASKS];
  if (!Array.isArray(pending)) return [];
  return pending.filter(
    (send): send is { node: string } =>
      typeof (send as { node?: unknown } | null)?.node === "string",
  );
}
