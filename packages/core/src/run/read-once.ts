import type { RunnableConfig } from "@langchain/core/runnables";
import type { BaseCheckpointSaver, CheckpointTuple } from "@langchain/langgraph";

import type { LoopParameters, StreamOptions } from "../graph/compiled-graph.ts";
import { ambientConfigurable } from "./execution.ts";

/** A checkpoint as it was read before the run's loop reads it, and when. */
export interface EarlyRead {
  readonly checkpointer: BaseCheckpointSaver;
  /** What was asked for: without an id the thread's newest checkpoint. */
  readonly start: { readonly thread_id: unknown; readonly checkpoint_id?: unknown };
  readonly tuple: CheckpointTuple | undefined;
  /** Milliseconds since the process began. */
  readonly at: number;
}

// A hook may wait before it lets the run begin, and another process may go on with the thread
// meanwhile: then the loop reads for itself. One that wins the run from another worker has it read again.
const FRESH_MS = 250;

const CHECKPOINTER = "__pregel_checkpointer";

const views = new WeakMap<object, BaseCheckpointSaver>();
const used = new WeakSet<EarlyRead>();

/** Hands a run's first loop the checkpoint that was read to tell who the run is: one read is enough. */
export function readOnce(options: StreamOptions, read: EarlyRead | undefined): StreamOptions {
  const { configurable = {} } = options;
  // Inside another graph it is that one whose checkpointer counts.
  const nested = [configurable, ambientConfigurable()].some(
    (one) => "__pregel_read" in one || CHECKPOINTER in one,
  );
  if (read === undefined || nested || used.has(read)) return options;
  used.add(read);
  if (performance.now() - read.at > FRESH_MS) return options;
  const view = viewOf(read);
  return { ...options, configurable: { ...configurable, [CHECKPOINTER]: view } };
}

/** Gives a loop that has its checkpoint the checkpointer itself. */
export function leaveView(loop: LoopParameters["loop"]): void {
  const own = loop.checkpointer === undefined ? undefined : views.get(loop.checkpointer);
  if (own === undefined) return;
  loop.checkpointer = own;
  // Streams show the config of a checkpoint as the loop holds it.
  for (const { configurable } of [loop.config, loop.checkpointConfig]) {
    if (configurable !== undefined) delete configurable[CHECKPOINTER];
  }
}

/** The checkpointer, of which the first read is answered if it asks for what was read. */
// A proxy: savers may look at themselves in ways an object made of them does not bear.
function viewOf({ checkpointer, start, tuple }: EarlyRead): BaseCheckpointSaver {
  let handed = false;
  const getTuple = async (config: RunnableConfig): Promise<CheckpointTuple | undefined> => {
    const { thread_id, checkpoint_ns = "", checkpoint_id } = config.configurable ?? {};
    const same = thread_id === start.thread_id && checkpoint_id === start.checkpoint_id;
    if (handed || !same || checkpoint_ns !== "") return checkpointer.getTuple(config);
    handed = true;
    return tuple;
  };
  const view = new Proxy(checkpointer, {
    get(target, key) {
      if (key === "getTuple") return getTuple;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  views.set(view, checkpointer);
  return view;
}
