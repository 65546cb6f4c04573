import { randomUUID } from "node:crypto";

import { InMemoryStore } from "@langchain/langgraph";
import type { BaseCheckpointSaver, Operation, OperationResults } from "@langchain/langgraph";

import type { Effects } from "./kit-tools.ts";

/** What outlives a process: checkpoints, the store and what tools did to the world. */
export interface Stage {
  readonly checkpointer: BaseCheckpointSaver;
  readonly store: CountingStore;
  readonly effects: Effects;
  /** A thread nobody else uses. */
  readonly thread: string;
}

/** Opens a stage with nothing on it. */
export async function openStage(
  checkpointer: () => BaseCheckpointSaver | Promise<BaseCheckpointSaver>,
): Promise<Stage> {
  return {
    checkpointer: await checkpointer(),
    store: new CountingStore(),
    effects: [],
    thread: randomUUID(),
  };
}

/** LangGraph's in-memory store, which counts how often it was used. */
class CountingStore extends InMemoryStore {
  uses = 0;

  override batch<const Operations extends readonly Operation[]>(
    operations: Operations,
  ): Promise<OperationResults<Operations>> {
    this.uses += operations.length;
    return super.batch(operations);
  }

  /** How many items it holds. */
  async size(): Promise<number> {
    const { uses } = this;
    const items = await this.search([], { limit: Number.MAX_SAFE_INTEGER });
    this.uses = uses;
    return items.length;
  }
}
