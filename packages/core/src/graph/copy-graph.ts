import { createHash } from "node:crypto";

import { RunnableBinding, RunnableSequence } from "@langchain/core/runnables";
import type { Runnable } from "@langchain/core/runnables";
import type { BaseChannel, StateSchema } from "@langchain/langgraph";
import { START, StateGraph as LangGraphStateGraph } from "@langchain/langgraph";

import { CoreError } from "../errors.ts";
import type { GraphFacts, PrivateChannel } from "../middleware.ts";
import { EXECUTION_CHANNEL } from "../run/execution.ts";
import { privateChannel } from "../state/private-state.ts";
import { addPrivateWrites } from "../state/private-writer.ts";
import { instrumentToolNode, isToolNode } from "../tool/tool-node.ts";
import { isCompiledGraph } from "./compiled-graph.ts";
import type { Builder, Compiled, NodeSpec } from "./compiled-graph.ts";
import { MODEL_NODE } from "./native-agent.ts";
import { NodeWrapper } from "./node-wrapper.ts";
import type { NodePlan } from "./node-wrapper.ts";
import type { RedactedToolMessages } from "./redact-tool-messages.ts";
import type { GraphPlan } from "./seam-plan.ts";
import { foreignSchemas, schemaKeys } from "./stack.ts";
import type { StackEntry } from "./stack.ts";

/** A copied graph: what to build the subclass instance from. */
export interface CopiedGraph {
  readonly fields: Record<string, unknown>;
  readonly builder: Builder;
  readonly plan: GraphPlan;
}

/** How a subgraph is made part of the copy; the run seam gives it its own class. */
export type SubgraphFactory = (subgraph: Compiled) => Compiled;

/**
 * Copies a compiled graph with its nodes wrapped and private channels added. The graph it was given
 * is not touched: every option of node, edge, branch, schema and compilation is carried over.
 */
export function copyGraph(
  graph: Compiled,
  stack: readonly StackEntry[],
  options: {
    readonly root: boolean;
    readonly subgraph: SubgraphFactory;
    readonly native: boolean;
    readonly redacts: RedactedToolMessages;
  },
): CopiedGraph {
  assertNoRootState(graph);
  const reset = new Map<string, PrivateChannel["reset"]>();
  if (options.root) reset.set(EXECUTION_CHANNEL, "execution");
  for (const { definition } of stack) {
    for (const [name, channel] of Object.entries(definition?.state ?? {})) {
      reset.set(name, channel.reset ?? "execution");
    }
  }
  const builder = copyBuilder(graph.builder);
  const shared = addForeignChannels(builder, stack);
  const userChannels = Object.keys(builder.channels).filter((name) => !reset.has(name));
  for (const name of reset.keys()) builder.channels[name] ??= privateChannel() as BaseChannel;
  const plan: GraphPlan = { stack, reset, userChannels, shared, facts: graphFacts(graph) };
  const watches = stack.some(({ model, tool }) => model !== undefined || tool !== undefined);
  const nodePlan: NodePlan = {
    reset,
    userChannels,
    watches: watches ? "calls" : "nothing",
    redacts: options.redacts,
    // Writers are functions as well, of the same class.
    invokeFunction: Reflect.get(graph.nodes[START]?.writers[0] ?? {}, "invoke"),
  };
  // LangChain's own model node makes no other call than the one its middleware wraps.
  const modelPlan: NodePlan = { ...nodePlan, watches: watches ? "tokens" : "nothing" };
  const isModelNode = (name: string): boolean => options.native && name === MODEL_NODE;
  for (const [name, spec] of Object.entries(builder.nodes)) {
    const runnable = instrument(spec.runnable, options);
    const subgraphs = subgraphsIn(runnable);
    builder.nodes[name] = {
      ...spec,
      runnable: new NodeWrapper(name, runnable, isModelNode(name) ? modelPlan : nodePlan),
      input: inputOf(builder, spec.input, reset, runnable === spec.runnable ? [] : shared),
      subgraphs: subgraphs.length > 0 ? subgraphs : spec.subgraphs,
    };
  }
  wrapDefaultErrorHandler(builder, nodePlan);
  const compiled = builder.compile();
  const streamChannels = [...new Set([...listOf(graph.streamChannels), ...shared])].filter(
    (name) => !reset.has(name),
  );
  // Routers read through the graph they were compiled into, and may send on whatever they read.
  compiled.streamChannels = streamChannels;
  for (const [name, node] of Object.entries(compiled.nodes)) {
    if (name !== START) addPrivateWrites(node.writers[0], reset);
  }
  const fields = {
    ...graph,
    builder,
    nodes: compiled.nodes,
    channels: compiled.channels,
    triggerToNodes: compiled.triggerToNodes,
    streamChannels,
    outputChannels: [...new Set([...listOf(graph.outputChannels), ...shared])],
  };
  return { fields, builder, plan };
}

function copyBuilder(builder: Builder): Builder {
  const copy = Object.assign(Object.create(Object.getPrototypeOf(builder) as object), builder, {
    nodes: { ...builder.nodes },
    edges: new Set(builder.edges),
    waitingEdges: new Set(builder.waitingEdges),
    branches: { ...builder.branches },
    channels: { ...builder.channels },
    _schemaDefinitions: new Map(builder._schemaDefinitions),
    compiled: false,
  }) as Builder;
  return copy;
}

/**
 * What a node is given: less the private channels that a native agent's own schema declares, and
 * with those that foreign middleware shares with its tools, where the node is theirs or a subgraph.
 */
function inputOf(
  builder: Builder,
  input: NodeSpec["input"],
  reset: ReadonlyMap<string, unknown>,
  shared: readonly string[],
): NodeSpec["input"] {
  if (input === undefined) return input;
  const names = Object.keys(input);
  if (shared.length === 0 && !names.some((name) => reset.has(name))) return input;
  const given = names.filter((name) => !reset.has(name)).map((name) => [name, input[name]]);
  const added = shared.map((name) => [name, builder.channels[name]]);
  return defineSchema(builder, Object.fromEntries([...given, ...added]));
}

function defineSchema(
  builder: Builder,
  definition: Record<string, unknown>,
): Record<string, unknown> {
  builder._schemaDefinitions.set(definition, definition);
  return definition;
}

/** A graph-wide error handler becomes a node only while its builder compiles. */
function wrapDefaultErrorHandler(builder: Builder, plan: NodePlan): void {
  const create = builder._createDefaultErrorHandlerSpec?.bind(builder);
  if (create === undefined) return;
  builder._createDefaultErrorHandlerSpec = () => {
    const spec = create();
    if (spec === undefined) return undefined;
    const name = spec.runnable.getName();
    return { ...spec, runnable: new NodeWrapper(name, spec.runnable, plan) };
  };
}

/** Channels of public and private state that foreign middleware declares, as createAgent adds them. */
function addForeignChannels(builder: Builder, stack: readonly StackEntry[]): string[] {
  const added: string[] = [];
  for (const schema of foreignSchemas(stack)) {
    const fresh = schemaKeys(schema).filter((key) => builder.channels[key] === undefined);
    if (fresh.length === 0) continue;
    const probe = new LangGraphStateGraph(schema as ConstructorParameters<typeof StateSchema>[0]);
    const { channels } = probe as unknown as { channels: Record<string, BaseChannel> };
    for (const key of fresh) {
      const channel = channels[key];
      if (channel === undefined) continue;
      builder.channels[key] = channel;
      if (!key.startsWith("_")) added.push(key);
    }
  }
  if (added.length > 0) {
    const channels = added.map((key) => [key, builder.channels[key]]);
    const input = { ...builder._inputDefinition, ...Object.fromEntries(channels) };
    builder._inputDefinition = defineSchema(builder, input);
  }
  return added;
}

/** Replaces tool nodes and subgraphs wherever they stand in a node's runnable. */
function instrument(
  runnable: Runnable,
  options: { readonly subgraph: SubgraphFactory; readonly native: boolean },
): Runnable {
  if (isToolNode(runnable)) return options.native ? runnable : instrumentToolNode(runnable);
  if (isCompiledGraph(runnable)) return options.subgraph(runnable);
  if (RunnableBinding.isRunnableBinding(runnable)) {
    const bound = instrument(runnable.bound as Runnable, options);
    if (bound === runnable.bound) return runnable;
    return Object.assign(Object.create(Object.getPrototypeOf(runnable) as object), runnable, {
      bound,
    }) as Runnable;
  }
  if (RunnableSequence.isRunnableSequence(runnable)) {
    const steps = (runnable as unknown as { steps: Runnable[] }).steps;
    const next = steps.map((step) => instrument(step, options));
    if (next.every((step, index) => step === steps[index])) return runnable;
    return Object.assign(Object.create(Object.getPrototypeOf(runnable) as object), runnable, {
      first: next[0],
      middle: next.slice(1, -1),
      last: next.at(-1),
    }) as Runnable;
  }
  return runnable;
}

/** The subgraphs LangGraph itself would find in a node's runnable; it does not look into a wrapper. */
function subgraphsIn(runnable: Runnable): Compiled[] {
  if (isCompiledGraph(runnable)) return [runnable];
  if (!RunnableSequence.isRunnableSequence(runnable)) return [];
  return (runnable as unknown as { steps: Runnable[] }).steps.flatMap(subgraphsIn).slice(0, 1);
}

/** Nodes, edges and a hash over both, subgraphs included: what makes two graphs the same graph. */
function graphFacts(graph: Compiled): GraphFacts {
  const nodes = Object.keys(graph.builder.nodes).toSorted();
  const edges = [...graph.builder.allEdges]
    .flatMap(([from, to]) => (Array.isArray(from) ? from : [from]).map((one) => [one, to] as const))
    .toSorted(([a, b], [c, d]) => (a === c ? compareText(b, d) : compareText(a, c)));
  const branches = Object.entries(graph.builder.branches)
    .flatMap(([from, named]) => Object.keys(named).map((name) => [from, name]))
    .toSorted(([a = ""], [b = ""]) => compareText(a, b));
  const subgraphs = nodes.flatMap((node) => {
    const runnable = graph.builder.nodes[node]?.runnable;
    return isCompiledGraph(runnable) ? [[node, graphFacts(runnable).fingerprint]] : [];
  });
  const fingerprint = createHash("sha256")
    .update(JSON.stringify({ nodes, edges, branches, subgraphs }))
    .digest("hex");
  return { name: graph.getName(), nodes, edges, fingerprint };
}

function compareText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function assertNoRootState(graph: Compiled): void {
  if (!("__root__" in graph.channels)) return;
  throw new CoreError({
    code: "root-state-unsupported",
    message: `${graph.getName()} keeps its whole state in one unnamed channel (__root__), and a second channel breaks such a graph. Give its state named keys, for example { messages }.`,
  });
}

function listOf(channels: string | string[] | undefined): string[] {
  if (channels === undefined) return [];
  return Array.isArray(channels) ? channels : [channels];
}
