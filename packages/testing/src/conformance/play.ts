import { withMiddleware } from "@evenkeel/core";
import type { AnyMiddleware, EvenkeelEvent } from "@evenkeel/core";
import { HumanMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import type { Command } from "@langchain/langgraph";

import { scriptedModel } from "../model/scripted-model.ts";
import type { ScriptedCall } from "../model/scripted-turn.ts";
import type { GraphKind } from "./graph-kind.ts";
import { kitTools } from "./kit-tools.ts";
import type { Situation } from "./situation.ts";
import type { Stage } from "./stage.ts";

/** The part of a compiled graph that the laws use. */
interface PlayableGraph {
  readonly channels: Readonly<Record<string, unknown>>;
  invoke(input: unknown, config: object): Promise<Record<string, unknown>>;
  stream(input: unknown, config: object): Promise<AsyncIterable<unknown>>;
  streamEvents(input: unknown, config: object): AsyncIterable<unknown>;
  getState(config: object): Promise<{ values: Record<string, unknown> }>;
}

/** A graph that is ready to run, and what is seen of its runs. */
export interface Performance {
  readonly graph: PlayableGraph;
  readonly config: { configurable: { thread_id: string } };
  readonly input: { messages: BaseMessage[] };
  /** Every call that reached the model. */
  readonly requests: readonly ScriptedCall[];
  readonly events: readonly EvenkeelEvent[];
}

/** What a graph is to be built of. */
export interface Cast {
  readonly kind: GraphKind;
  readonly stage: Stage;
  readonly situation: Situation;
  /** Undefined for the bare graph, which never meets `withMiddleware`. */
  readonly stack?: readonly AnyMiddleware[] | undefined;
  /** @default true */
  readonly withStore?: boolean;
  /** What a person would answer; with it nothing pauses. */
  readonly approval?: string;
}

// One instant for every run: a time in a state must not make two runs differ.
const clock = (): number => Date.UTC(2026, 0, 1);

/** Builds a graph as a process that starts would; what is on the stage is what it finds. */
export async function perform(cast: Cast): Promise<Performance> {
  const { kind, stage, situation, stack, withStore = true } = cast;
  const model = scriptedModel(situation.turns);
  const events: EvenkeelEvent[] = [];
  const built = await kind.build({
    model,
    tools: [...kitTools(stage.effects, cast.approval), ...(situation.tools ?? [])],
    checkpointer: stage.checkpointer,
    store: withStore ? stage.store : undefined,
  });
  const graph =
    stack === undefined
      ? bareGraph(built)
      : withMiddleware(built, stack, { clock, onEvent: (event) => events.push(event) });
  return {
    graph: graph as unknown as PlayableGraph,
    config: { configurable: { thread_id: stage.thread } },
    input: { messages: [new HumanMessage({ id: "human", content: situation.input })] },
    requests: model.calls,
    events,
  };
}

/** LangChain's agent keeps its graph in a field; any other graph is the graph. */
function bareGraph(built: object): object {
  return (built as { graph?: object }).graph ?? built;
}

/** What one run came to. */
export interface Outcome extends Performance {
  /** What the run threw, where it did. */
  readonly error: unknown;
  readonly failed: boolean;
  readonly output: Readonly<Record<string, unknown>>;
  /** The user's channels as `getState` shows them. */
  readonly values: Readonly<Record<string, unknown>>;
  /** All channels as the checkpoint holds them. */
  readonly channels: Readonly<Record<string, unknown>>;
  readonly effects: readonly string[];
}

/** Builds a graph and runs it once; an error is part of the outcome. */
export async function play(
  cast: Cast,
  run: { input?: null | Command; signal?: AbortSignal } = {},
): Promise<Outcome> {
  return runOnce(cast, await perform(cast), run);
}

/** Runs a graph that was built before. */
export async function runOnce(
  cast: Cast,
  performance: Performance,
  run: { input?: null | Command; signal?: AbortSignal } = {},
): Promise<Outcome> {
  const { graph, config } = performance;
  const { signal } = run;
  const input = run.input === undefined ? performance.input : run.input;
  let ended: Pick<Outcome, "failed" | "error" | "output">;
  try {
    const output = await graph.invoke(input, signal === undefined ? config : { ...config, signal });
    ended = { failed: false, error: undefined, output };
  } catch (error) {
    ended = { failed: true, error, output: {} };
  }
  const { values } = await graph.getState(config);
  const tuple = await cast.stage.checkpointer.getTuple(config);
  const channels = tuple?.checkpoint.channel_values ?? {};
  return { ...performance, ...ended, values, channels, effects: cast.stage.effects };
}
