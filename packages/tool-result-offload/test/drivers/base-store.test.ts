import {
  AsyncBatchedStore,
  InMemoryStore,
  MemorySaver,
  MessagesAnnotation,
  START,
  StateGraph,
} from "@langchain/langgraph";
import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import { expect, test } from "vitest";

import { baseStoreResults } from "../../src/drivers/base-store/driver.ts";
import { openResults } from "../../src/results/results.ts";
import type { Results } from "../../src/results/results.ts";

const owner = { scope: "s", threadId: "t" };

test("works on the store a run hands to its nodes, also when the run is over", async () => {
  let inside: Results | undefined;
  let handle = "";
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("keep", async (_state, config: LangGraphRunnableConfig) => {
      if (config.store === undefined) throw new Error("no store");
      expect(config.store).toBeInstanceOf(AsyncBatchedStore);
      inside = openResults(baseStoreResults(config.store));
      ({ handle } = await inside.put(owner, "a".repeat(200_000)));
      return {};
    })
    .addEdge(START, "keep")
    .compile({ checkpointer: new MemorySaver(), store: new InMemoryStore() });
  await graph.invoke({ messages: [] }, { configurable: { thread_id: "t" } });
  const slice = await inside?.read(owner, handle, { offset: 199_990, length: 50 });
  expect(slice?.bytes.length).toBe(10);
});

test("sends nothing to the embedding model of a store that has one", async () => {
  let embedded = 0;
  const embeddings = {
    embedDocuments: async (texts: string[]) => {
      embedded += texts.length;
      return texts.map(() => [0]);
    },
    embedQuery: async () => [0],
  };
  const store = new InMemoryStore({
    // The store asks nothing else of its embeddings than these two.
    index: { dims: 1, embeddings: embeddings as never },
  });
  await store.put(["seen"], "one", { text: "by the model" });
  expect(embedded).toBe(1);
  for (const given of [store, new AsyncBatchedStore(store)]) {
    await openResults(baseStoreResults(given)).put(owner, "secret ".repeat(20_000));
  }
  expect(embedded).toBe(1);
});

test("frees at a later prune what was deleted, and what a dead process had left without a row", async () => {
  const store = new InMemoryStore();
  let now = Date.now();
  const results = baseStoreResults(store, { now: () => now });
  const { put } = openResults(results, () => now);
  const removed = await put(owner, "removed");
  const widowed = await put(owner, "widowed");
  await results.removeResult(owner, removed.handle);
  const [row] = await store.search(["evenkeel", "results", "rows"], { limit: 5 });
  expect(row?.key).toBe(widowed.handle);
  await store.delete(row?.namespace ?? [], widowed.handle);
  let pruned = 0;
  for (let hours = 0; hours < 4; hours += 1) {
    pruned += await results.prune({ olderThanMs: 1e12 });
    now += 2 * 3_600_000;
  }
  expect(pruned).toBe(2);
  expect(await store.search(["evenkeel"], { limit: 100 })).toEqual([]);
});
