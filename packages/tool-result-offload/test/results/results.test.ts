import { randomBytes } from "node:crypto";

import { memoryStore } from "@evenkeel/core";
import type { ResultStore } from "@evenkeel/core";
import { beforeEach, expect, test } from "vitest";

import { CHUNK_BYTES } from "../../src/results/chunk.ts";
import { openResults } from "../../src/results/results.ts";
import type { Results } from "../../src/results/results.ts";
import { decodeText } from "../../src/results/text-bytes.ts";

const ana = { scope: "acme", threadId: "thread 1" };
const otherThread = { scope: "acme", threadId: "thread 2" };
const otherScope = { scope: "globex", threadId: "thread 1" };
const MB = 1024 * 1024;
const MINUTE_MS = 60_000;

let now: number;
let store: ReturnType<typeof memoryStore>;
let results: Results;

beforeEach(() => {
  now = 1_700_000_000_000;
  store = memoryStore({ now: () => now });
  results = openResults(store, () => now);
});

async function collect(handle: string, offset = 0): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const piece of results.stream(ana, handle, { offset })) parts.push(piece.bytes);
  return Buffer.concat(parts);
}

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test.each([
  ["nothing", new Uint8Array()],
  ["one byte", Uint8Array.of(0)],
  ["a chunk but one byte", randomBytes(CHUNK_BYTES - 1)],
  ["a chunk exactly", randomBytes(CHUNK_BYTES)],
  ["a chunk and one byte", randomBytes(CHUNK_BYTES + 1)],
  ["more than one batch of a stream", randomBytes(2 * MB + 3)],
])("gives back %s byte for byte", async (_, bytes) => {
  const { handle, size } = await results.put(ana, bytes);
  expect(size).toBe(bytes.length);
  expect((await collect(handle)).equals(bytes)).toBe(true);
});

test("gives a stream of odd pieces the handle its bytes have", async () => {
  const bytes = randomBytes(200_001);
  const whole = await results.put(ana, bytes);
  const streamed = await results.put(ana, inPieces(bytes, 1_009));
  expect(streamed.handle).toBe(whole.handle);
  expect((await store.resultUsage()).storedBytes).toBe(bytes.length);
});

test("reads any slice as it was written", async () => {
  const bytes = randomBytes(3 * CHUNK_BYTES + 100);
  const { handle } = await results.put(ana, bytes);
  for (const [offset, length] of [
    [0, 10],
    [CHUNK_BYTES - 5, 10],
    [CHUNK_BYTES, CHUNK_BYTES],
    [10, 3 * CHUNK_BYTES],
    [3 * CHUNK_BYTES + 90, 500],
    [9 * CHUNK_BYTES, 10],
    [7, 0],
  ] as const) {
    const slice = await results.read(ana, handle, { offset, length });
    const wanted = bytes.subarray(offset, offset + length);
    expect(Buffer.from(slice?.bytes ?? []).equals(wanted)).toBe(true);
  }
});

test("reads lines, also where a line or its end lies on a chunk's edge", async () => {
  const lines = Array.from({ length: 4_000 }, (_, index) => `${index} ${"x".repeat(index % 90)}`);
  lines[1_000] = "y".repeat(3 * CHUNK_BYTES);
  lines[2_000] = "z".repeat(2 * CHUNK_BYTES);
  const { handle, lines: count } = await results.put(ana, `${lines.join("\n")}\n`);
  expect(count).toBe(lines.length);
  for (const line of [1, 2, 999, 1_001, 1_002, 2_001, 2_002, 3_999, 4_000]) {
    const slice = await results.read(ana, handle, { line, lines: 2, maxBytes: MB });
    const wanted = lines.slice(line - 1, line + 1).map((each) => `${each}\n`);
    expect(decodeText(slice?.bytes ?? new Uint8Array())).toBe(wanted.join(""));
    expect(slice?.line).toBe(line);
  }
  const beyond = await results.read(ana, handle, { line: 4_001, lines: 5, maxBytes: 100 });
  expect(beyond?.bytes.length).toBe(0);
});

test("knows the line of any byte", async () => {
  const text = Array.from({ length: 20_000 }, (_, index) => `line ${index}`).join("\n");
  const { handle } = await results.put(ana, text);
  const edge = CHUNK_BYTES;
  for (const offset of [0, 6, 7, edge - 1, edge, edge + 1, text.length - 1]) {
    const slice = await results.read(ana, handle, { offset, length: 1 });
    expect(slice?.line).toBe(text.slice(0, offset).split("\n").length);
  }
});

test("cuts lines after the bytes asked for", async () => {
  const { handle } = await results.put(ana, "a".repeat(10 * CHUNK_BYTES));
  const slice = await results.read(ana, handle, { line: 1, lines: 1, maxBytes: 100_000 });
  expect(slice?.bytes.length).toBe(100_000);
});

test("streams from the middle", async () => {
  const bytes = randomBytes(3 * CHUNK_BYTES);
  const { handle } = await results.put(ana, bytes);
  expect((await collect(handle, 70_000)).equals(bytes.subarray(70_000))).toBe(true);
  expect((await collect(handle, bytes.length)).length).toBe(0);
});

test("shows a handle to its own thread and scope only", async () => {
  const { handle } = await results.put(ana, "for Ana alone");
  for (const stranger of [otherThread, otherScope]) {
    expect(await results.stat(stranger, handle)).toBeUndefined();
    expect(await results.read(stranger, handle, { offset: 0, length: 5 })).toBeUndefined();
    await expect(results.stream(stranger, handle)[Symbol.asyncIterator]().next()).rejects.toThrow(
      expect.objectContaining({ code: "result-gone" }),
    );
  }
  expect(await results.stat(ana, handle)).toBeDefined();
});

test("names the same content differently in every thread and scope, and keeps it once a scope", async () => {
  const handles = [];
  for (const owner of [ana, otherThread, otherScope, ana]) {
    handles.push((await results.put(owner, "same content")).handle);
  }
  expect(new Set(handles).size).toBe(3);
  expect(handles[3]).toBe(handles[0]);
  expect(await store.resultUsage()).toEqual({ results: 3, bytes: 36, storedBytes: 24 });
});

test("shows nothing of a stream that fails half-way", async () => {
  async function* breaks(): AsyncGenerator<Uint8Array> {
    yield randomBytes(2 * MB);
    throw new Error("connection reset");
  }
  await expect(results.put(ana, breaks())).rejects.toMatchObject({
    code: "source-failed",
    message: expect.stringContaining("broke off after 2097152 bytes: connection reset"),
    cause: { message: "connection reset" },
  });
  expect(await store.resultUsage()).toEqual({ results: 0, bytes: 0, storedBytes: 0 });
});

test("keeps a result for its time after the last use, and gives it a new life when its tool runs again", async () => {
  const ttlMs = 10 * MINUTE_MS;
  const unused = await results.put(ana, "unused", { ttlMs });
  const used = await results.put(ana, "used", { ttlMs });
  const lasting = await results.put(ana, "lasting", { ttlMs: null });
  now += 9 * MINUTE_MS;
  await results.read(ana, used.handle, { offset: 0, length: 1 });
  now += 2 * MINUTE_MS;
  expect(await results.stat(ana, unused.handle)).toBeUndefined();
  expect(await results.read(ana, unused.handle, { offset: 0, length: 1 })).toBeUndefined();
  expect(await results.stat(ana, used.handle)).toBeDefined();
  expect((await results.put(ana, "unused", { ttlMs })).handle).toBe(unused.handle);
  expect((await collect(unused.handle)).toString()).toBe("unused");
  now += 1_000 * 24 * 60 * MINUTE_MS;
  expect(await results.stat(ana, used.handle)).toBeUndefined();
  expect(await results.stat(ana, lasting.handle)).toBeDefined();
});

test("writes down the uses of a minute as one", async () => {
  let touched = 0;
  const counting = {
    ...store,
    touchResult: async (...args: Parameters<typeof store.touchResult>) => {
      touched += 1;
      return store.touchResult(...args);
    },
  };
  const counted = openResults(counting, () => now);
  const { handle } = await counted.put(ana, "read often");
  const read = () => counted.read(ana, handle, { offset: 0, length: 1 });
  for (let times = 0; times < 20; times += 1) await read();
  expect(touched).toBe(0);
  now += MINUTE_MS;
  for (let times = 0; times < 20; times += 1) await read();
  expect(touched).toBe(1);
});

test("lets the least recently used of a thread go at its quota", async () => {
  const quota = { maxThreadBytes: 2_500 };
  const [first, second] = [
    await results.put(ana, randomBytes(1_000), quota),
    await results.put(ana, randomBytes(1_000), quota),
  ];
  const theirs = await results.put(otherThread, randomBytes(1_000), quota);
  now += MINUTE_MS;
  await results.read(ana, first.handle, { offset: 0, length: 1 });
  now += MINUTE_MS;
  const last = await results.put(ana, randomBytes(1_000), quota);
  expect(await results.stat(ana, second.handle)).toBeUndefined();
  for (const { handle } of [first, last]) expect(await results.stat(ana, handle)).toBeDefined();
  expect(await results.stat(otherThread, theirs.handle)).toBeDefined();
});

test("keeps the whole store under its quota, over threads and scopes and shared content", async () => {
  const quota = { maxTotalBytes: 3_000 };
  const shared = randomBytes(1_000);
  const first = await results.put(otherScope, shared, quota);
  for (const owner of [ana, otherThread, ana]) {
    now += 1_000;
    await results.put(owner, shared, quota);
  }
  expect((await store.resultUsage()).storedBytes).toBe(2_000);
  for (const owner of [ana, otherThread]) {
    now += 1_000;
    await results.put(owner, randomBytes(1_000), quota);
  }
  expect((await store.resultUsage()).storedBytes).toBe(3_000);
  expect(await results.stat(otherScope, first.handle)).toBeUndefined();
});

test("refuses a result no eviction could make room for, and keeps the others", async () => {
  const quota = { maxThreadBytes: 1_000 };
  const small = await results.put(ana, "small", quota);
  for (const source of [randomBytes(1_001), inPieces(randomBytes(1_001), 100)]) {
    await expect(results.put(ana, source, quota)).rejects.toMatchObject({
      code: "result-too-large",
    });
  }
  expect(await results.stat(ana, small.handle)).toBeDefined();
});

test("takes a store that lost a chunk for what it is", async () => {
  const { handle } = await results.put(ana, randomBytes(3 * CHUNK_BYTES));
  const lossy: ResultStore = {
    ...store,
    readResult: async (...args) => {
      const read = await store.readResult(...args);
      return read && { ...read, chunks: read.chunks.filter(({ index }) => index !== 1) };
    },
  };
  const read = openResults(lossy, () => now).read(ana, handle, {
    offset: CHUNK_BYTES - 5,
    length: 10,
  });
  await expect(read).rejects.toMatchObject({ code: "result-corrupt" });
});
