import { describe, expect, test } from "vitest";

import { chunkQueue } from "../src/run/chunk-queue.ts";
import type { ChunkQueue } from "../src/run/chunk-queue.ts";

async function drain<Chunk>(queue: ChunkQueue<Chunk>): Promise<Chunk[]> {
  const got: Chunk[] = [];
  while (await queue.more()) got.push(queue.take());
  return got;
}

describe("a queue of chunks", () => {
  test("gives them in order, those before its end included, and then ends", async () => {
    const queue = chunkQueue<number>();
    for (const chunk of [1, 2, 3]) queue.put(chunk);
    queue.close();
    queue.put(4);
    expect(await drain(queue)).toEqual([1, 2, 3]);
    expect(await queue.more()).toBe(false);
  });

  test("wakes a consumer that came first, for a chunk and for the end", async () => {
    const queue = chunkQueue<string>();
    const chunk = queue.more();
    queue.put("late");
    expect(await chunk).toBe(true);
    expect(queue.take()).toBe("late");
    const end = queue.more();
    queue.close();
    expect(await end).toBe(false);
  });

  test("takes undefined for a chunk", async () => {
    const queue = chunkQueue<undefined>();
    queue.put(undefined);
    queue.close();
    expect(await drain(queue)).toEqual([undefined]);
  });

  test.each(["before", "while"])("fails its consumer that comes %s it waits", async (when) => {
    const queue = chunkQueue<string>();
    const waits = when === "while" ? drain(queue) : undefined;
    queue.put("one");
    queue.close({ error: new Error("broken") });
    await expect(waits ?? drain(queue)).rejects.toThrow("broken");
  });

  test("ends as it was closed first", async () => {
    const queue = chunkQueue<string>();
    queue.close();
    queue.close({ error: new Error("later") });
    expect(await queue.more()).toBe(false);
  });

  test("keeps nothing once its consumer has left", async () => {
    const queue = chunkQueue<string>();
    queue.put("one");
    queue.leave();
    queue.put("two");
    queue.close();
    expect(await drain(queue)).toEqual([]);
  });
});
