import type { StateSnapshot } from "@langchain/langgraph";

import { withMiddleware } from "../../src/index.ts";
import type { WithMiddlewareOptions } from "../../src/index.ts";
import { createKit } from "./kit.ts";
import type { Kit } from "./kit.ts";
import { plain } from "./plain.ts";
import { spyMiddleware } from "./spy.ts";
import type { Spy } from "./spy.ts";

type Config = Record<string, unknown>;

/** The part of a graph that the tests drive, whatever its state is. */
export interface TestGraph {
  readonly nodes: Record<string, unknown>;
  invoke(input: unknown, config?: Config): Promise<Record<string, unknown>>;
  _streamIterator(input: unknown, config?: Config): AsyncGenerator;
  stream(input: unknown, config?: Config): Promise<AsyncIterable<unknown>>;
  /** A promise for version "v3". */
  streamEvents(
    input: unknown,
    config: Config,
  ): AsyncIterable<unknown> | Promise<AsyncIterable<unknown>>;
  batch(inputs: unknown[], config?: Config): Promise<Record<string, unknown>[]>;
  withConfig(config: Config): TestGraph;
  getState(config: Config, options?: Config): Promise<StateSnapshot>;
  getStateHistory(config: Config): AsyncIterable<StateSnapshot>;
  updateState(config: Config, values: unknown, asNode?: string): Promise<Config>;
}

/** Builds a graph, or a builder, or an agent, of a kit's parts. */
export type Build = (kit: Kit) => object;

/** One build of a graph and what can be seen of it. */
export interface Subject {
  readonly graph: TestGraph;
  readonly kit: Kit;
}

/** A graph with the spy around it. */
export interface Watched extends Subject {
  readonly spy: Spy;
}

/** The graph as its user wrote it. */
export function bare(build: Build, options: Config = {}): Subject {
  const kit = createKit(false);
  const built = build(kit) as { graph?: object; compile?: (options: object) => object };
  const compiled =
    typeof built.compile === "function"
      ? built.compile({ checkpointer: kit.checkpointer, store: kit.store, ...options })
      : (built.graph ?? built);
  return { kit, graph: compiled as TestGraph };
}

/** The same graph with a middleware that lets everything pass. */
export function watched(build: Build, options: WithMiddlewareOptions = {}): Watched {
  const kit = createKit(true);
  const spy = spyMiddleware();
  const built = build(kit) as { compile?: unknown };
  const graph = withMiddleware(built, [spy.middleware], {
    ...(typeof built.compile === "function"
      ? { checkpointer: kit.checkpointer, store: kit.store }
      : {}),
    onEvent: (event) => spy.events.push(event),
    ...options,
  });
  return { kit, spy, graph: graph as unknown as TestGraph };
}

/** Every checkpoint of a thread, newest first: step, origin, what is next, which keys it has. */
export async function historyOf(graph: TestGraph, config: Config): Promise<unknown[]> {
  const history: unknown[] = [];
  for await (const { metadata, next, values, tasks } of graph.getStateHistory(config)) {
    history.push({
      step: metadata?.step,
      source: metadata?.source,
      next,
      keys: Object.keys(values as object).toSorted(),
      values,
      tasks: tasks.map(({ name, interrupts, error }) => ({ name, interrupts, error })),
    });
  }
  return plain(history) as unknown[];
}

/** The chunks of a stream. */
export async function collect(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const chunks: unknown[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

/** The config of a thread. */
export function thread(id = "thread-1", rest: Config = {}): Config {
  return { ...rest, configurable: { thread_id: id } };
}

/** How many checkpoints a saver holds per namespace, of subgraphs too. */
export async function checkpointCounts({ checkpointer }: Kit): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for await (const { config } of checkpointer.list({ configurable: {} })) {
    const namespace = String(plain(config.configurable?.["checkpoint_ns"] ?? ""));
    counts[namespace] = (counts[namespace] ?? 0) + 1;
  }
  return counts;
}
