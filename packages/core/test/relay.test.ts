import { describe, expect, test } from "vitest";

import { relay } from "../src/model/relay.ts";

/** What a promise has come to after every turn it could take. */
async function stateOf(promise: Promise<unknown>): Promise<unknown> {
  let state: unknown = "pending";
  promise.then(
    (value) => (state = value),
    (error: unknown) => (state = error),
  );
  await new Promise(setImmediate);
  return state;
}

async function all<Chunk>(chunks: AsyncIterable<Chunk>): Promise<Chunk[]> {
  const got: Chunk[] = [];
  for await (const chunk of chunks) got.push(chunk);
  return got;
}

describe("chunks", () => {
  test("come in the order they were pushed, before the end", async () => {
    const pipe = relay<number>();
    const pushed = [pipe.push(1), pipe.push(2), pipe.push(3)];
    pipe.close();
    expect(await all(pipe.chunks())).toEqual([1, 2, 3]);
    expect(await Promise.all(pushed)).toEqual([true, true, true]);
  });

  test("reach a consumer that came first", async () => {
    const pipe = relay<string>();
    const first = pipe.chunks().next();
    expect(await stateOf(first)).toBe("pending");
    void pipe.push("late");
    expect(await first).toEqual({ done: false, value: "late" });
  });

  test("hold the producer until the consumer asks for the next one", async () => {
    const pipe = relay<string>();
    const pushed = pipe.push("one");
    const chunks = pipe.chunks();
    expect(await stateOf(pushed)).toBe("pending");
    await chunks.next();
    expect(await stateOf(pushed)).toBe("pending");
    void chunks.next();
    expect(await stateOf(pushed)).toBe(true);
  });
});

describe("a consumer that leaves", () => {
  test("lets the producer of the chunk it left at go on, unwanted", async () => {
    const pipe = relay<string>();
    const pushed = pipe.push("one");
    for await (const _ of pipe.chunks()) break;
    expect(await stateOf(pushed)).toBe(false);
  });

  test("lets every waiting producer go on, unwanted", async () => {
    const pipe = relay<string>();
    const pushed = [pipe.push("one"), pipe.push("two"), pipe.push("three")];
    for await (const _ of pipe.chunks()) break;
    expect(await stateOf(Promise.all(pushed))).toEqual([false, false, false]);
  });

  test("is told to the next producer at once", async () => {
    const pipe = relay<string>();
    void pipe.push("one");
    for await (const _ of pipe.chunks()) break;
    expect(await stateOf(pipe.push("two"))).toBe(false);
  });

  test("by an error of its own leaves as well", async () => {
    const pipe = relay<string>();
    const pushed = pipe.push("one");
    const consume = async (): Promise<void> => {
      for await (const _ of pipe.chunks()) throw new Error("full");
    };
    await expect(consume()).rejects.toThrow("full");
    expect(await stateOf(pushed)).toBe(false);
  });
});

describe("the end", () => {
  test("with an error comes after the chunks, by identity", async () => {
    const pipe = relay<number>();
    const error = new Error("the run failed");
    void pipe.push(1);
    pipe.close({ error });
    const chunks = pipe.chunks();
    expect((await chunks.next()).value).toBe(1);
    await expect(chunks.next()).rejects.toBe(error);
  });

  test("with an error that is undefined is an error still", async () => {
    const pipe = relay<number>();
    pipe.close({ error: undefined });
    await expect(all(pipe.chunks())).rejects.toBeUndefined();
  });

  test("is what the first close said", async () => {
    const pipe = relay<number>();
    pipe.close();
    pipe.close({ error: new Error("too late") });
    expect(await all(pipe.chunks())).toEqual([]);
  });

  test("turns away what is pushed after it", async () => {
    const pipe = relay<number>();
    pipe.close();
    expect(await pipe.push(1)).toBe(false);
    expect(await all(pipe.chunks())).toEqual([]);
  });
});
