import { randomBytes } from "node:crypto";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { CHUNK_BYTES } from "../src/chunk.ts";
import { createResultStore } from "../src/create-result-store.ts";
import type { ResultStoreOptions } from "../src/create-result-store.ts";
import type { ResultDriver } from "../src/result-driver.ts";
import type { ResultStore } from "../src/result-store.ts";
import { decodeText } from "../src/text-bytes.ts";

/** A driver under test and how to be rid of it; `reopen` is another process's view of the same data. */
export interface DriverUnderTest {
  driver: ResultDriver;
  reopen: () => ResultDriver;
  /** False where an unfinished write is gone with its writer. */
  leavesOrphans: boolean;
  /** How often one content may be kept after a race: more than once where there are no transactions. */
  mostCopies: number;
  close: () => Promise<void>;
}

const ana = { scope: "acme", threadId: "thread 1" };
const otherThread = { scope: "acme", threadId: "thread 2" };
const otherScope = { scope: "globex", threadId: "thread 1" };
const MB = 1024 * 1024;

async function collect(store: ResultStore, handle: string, offset = 0): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const piece of store.stream(ana, handle, { offset })) parts.push(piece.bytes);
  return Buffer.concat(parts);
}

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** What every driver of a result store keeps: one case a promise. */
export function testResultStore(name: string, open: () => Promise<DriverUnderTest>): void {
  describe(`result store on ${name}`, () => {
    let under: DriverUnderTest;
    let now = 1_700_000_000_000;
    const clock = (): number => now;
    const storeWith = (options: ResultStoreOptions = {}): ResultStore =>
      createResultStore(under.driver, { clock, ...options });

    beforeEach(async () => {
      now = 1_700_000_000_000;
      under = await open();
    });
    afterEach(() => under.close());

    test.each([
      ["nothing", new Uint8Array()],
      ["one byte", Uint8Array.of(0)],
      ["a chunk but one byte", randomBytes(CHUNK_BYTES - 1)],
      ["a chunk exactly", randomBytes(CHUNK_BYTES)],
      ["a chunk and one byte", randomBytes(CHUNK_BYTES + 1)],
      ["several chunks", randomBytes(5 * CHUNK_BYTES + 17)],
      ["more than one batch of a stream", randomBytes(2 * MB + 3)],
    ])("gives back %s byte for byte", async (_, bytes) => {
      const store = storeWith();
      const { handle, size } = await store.put(ana, bytes);
      expect(size).toBe(bytes.length);
      expect((await collect(store, handle)).equals(bytes)).toBe(true);
    });

    test("gives a stream of odd pieces the handle its bytes have", async () => {
      const store = storeWith();
      const bytes = randomBytes(200_001);
      const whole = await store.put(ana, bytes);
      const streamed = await store.put(ana, inPieces(bytes, 1_009));
      expect(streamed.handle).toBe(whole.handle);
      expect((await store.usage()).storedBytes).toBe(bytes.length);
    });

    test("reads any slice as it was written", async () => {
      const store = storeWith();
      const bytes = randomBytes(3 * CHUNK_BYTES + 100);
      const { handle } = await store.put(ana, bytes);
      for (const [offset, length] of [
        [0, 10],
        [CHUNK_BYTES - 5, 10],
        [CHUNK_BYTES, CHUNK_BYTES],
        [10, 3 * CHUNK_BYTES],
        [3 * CHUNK_BYTES + 90, 500],
        [9 * CHUNK_BYTES, 10],
        [7, 0],
      ] as const) {
        const slice = await store.read(ana, handle, { offset, length });
        const wanted = bytes.subarray(offset, offset + length);
        expect(Buffer.from(slice?.bytes ?? []).equals(wanted)).toBe(true);
      }
    });

    test("reads lines, also where a line or its end lies on a chunk's edge", async () => {
      const store = storeWith();
      const lines = Array.from(
        { length: 4_000 },
        (_, index) => `${index} ${"x".repeat(index % 90)}`,
      );
      lines[1_000] = "y".repeat(3 * CHUNK_BYTES);
      lines[2_000] = "z".repeat(2 * CHUNK_BYTES);
      const text = `${lines.join("\n")}\n`;
      const { handle, lines: count } = await store.put(ana, text);
      expect(count).toBe(lines.length);
      for (const line of [1, 2, 999, 1_001, 1_002, 2_001, 2_002, 3_999, 4_000]) {
        const slice = await store.read(ana, handle, { line, lines: 2, maxBytes: MB });
        const wanted = lines.slice(line - 1, line + 1).map((each) => `${each}\n`);
        expect(decodeText(slice?.bytes ?? new Uint8Array())).toBe(wanted.join(""));
        expect(slice?.line).toBe(line);
      }
      const beyond = await store.read(ana, handle, { line: 4_001, lines: 5, maxBytes: 100 });
      expect(beyond?.bytes.length).toBe(0);
    });

    test("knows the line of any byte", async () => {
      const store = storeWith();
      const text = Array.from({ length: 20_000 }, (_, index) => `line ${index}`).join("\n");
      const { handle } = await store.put(ana, text);
      for (const offset of [
        0,
        6,
        7,
        CHUNK_BYTES - 1,
        CHUNK_BYTES,
        CHUNK_BYTES + 1,
        text.length - 1,
      ]) {
        const slice = await store.read(ana, handle, { offset, length: 1 });
        expect(slice?.line).toBe(text.slice(0, offset).split("\n").length);
      }
    });

    test("cuts lines after the bytes asked for", async () => {
      const store = storeWith();
      const { handle } = await store.put(ana, "a".repeat(10 * CHUNK_BYTES));
      const slice = await store.read(ana, handle, { line: 1, lines: 1, maxBytes: 100_000 });
      expect(slice?.bytes.length).toBe(100_000);
    });

    test("streams from the middle", async () => {
      const store = storeWith();
      const bytes = randomBytes(3 * CHUNK_BYTES);
      const { handle } = await store.put(ana, bytes);
      expect((await collect(store, handle, 70_000)).equals(bytes.subarray(70_000))).toBe(true);
      expect((await collect(store, handle, bytes.length)).length).toBe(0);
    });

    test("shows a handle to its own thread and scope only", async () => {
      const store = storeWith();
      const { handle } = await store.put(ana, "for Ana alone");
      for (const stranger of [otherThread, otherScope]) {
        expect(await store.stat(stranger, handle)).toBeUndefined();
        expect(await store.read(stranger, handle, { offset: 0, length: 5 })).toBeUndefined();
        expect(await store.touch(stranger, handle)).toBe(false);
        expect(await store.delete(stranger, handle)).toBe(false);
        await expect(store.stream(stranger, handle)[Symbol.asyncIterator]().next()).rejects.toThrow(
          expect.objectContaining({ code: "result-gone" }),
        );
      }
      expect(await store.stat(ana, handle)).toBeDefined();
    });

    test("names the same content differently in every thread and scope", async () => {
      const store = storeWith();
      const handles = [];
      for (const owner of [ana, otherThread, otherScope, ana]) {
        handles.push((await store.put(owner, "same content")).handle);
      }
      expect(new Set(handles).size).toBe(3);
      expect(handles[3]).toBe(handles[0]);
    });

    test("keeps shared content once in a scope, and apart between scopes", async () => {
      const store = storeWith();
      const bytes = randomBytes(100_000);
      await store.put(ana, bytes);
      await store.put(otherThread, bytes);
      expect(await store.usage({ scope: "acme" })).toEqual({
        results: 2,
        bytes: 200_000,
        storedBytes: 100_000,
      });
      await store.put(otherScope, bytes);
      expect((await store.usage()).storedBytes).toBe(200_000);
    });

    test("keeps shared content until its last handle goes", async () => {
      const store = storeWith();
      const mine = await store.put(ana, "shared");
      const theirs = await store.put(otherThread, "shared");
      expect(await store.delete(otherThread, theirs.handle)).toBe(true);
      expect((await collect(store, mine.handle)).toString()).toBe("shared");
      await store.delete(ana, mine.handle);
      expect(await store.usage()).toEqual({ results: 0, bytes: 0, storedBytes: 0 });
    });

    test("shows nothing of a write that fails half-way, and prune removes what it left", async () => {
      const store = storeWith({ orphanAfterMs: 1_000 });
      async function* breaks(): AsyncGenerator<Uint8Array> {
        yield randomBytes(2 * MB);
        throw new Error("connection reset");
      }
      await expect(store.put(ana, breaks())).rejects.toMatchObject({
        code: "source-failed",
        cause: { message: "connection reset" },
      });
      expect(await store.usage()).toEqual({ results: 0, bytes: 0, storedBytes: 0 });
    });

    test("removes the orphan of a writer that died, and leaves one still at work", async () => {
      const store = storeWith({ orphanAfterMs: 60_000 });
      const chunk = { index: 0, newlinesBefore: 0, newlines: 0, bytes: randomBytes(CHUNK_BYTES) };
      const writer = under.driver.writer("0".repeat(32), now);
      for (let index = 0; index < 40; index += 1) {
        await writer.write({ ...chunk, index });
      }
      expect((await store.usage()).storedBytes).toBe(0);
      expect((await store.prune()).orphans).toBe(0);
      now += 60_001;
      const kept = await store.put(ana, "stays");
      expect((await store.prune()).orphans).toBe(under.leavesOrphans ? 1 : 0);
      expect((await store.prune()).orphans).toBe(0);
      expect((await collect(store, kept.handle)).toString()).toBe("stays");
      await writer.abort();
    });

    test("forgets what was not used for its time to live, and keeps what was", async () => {
      const store = storeWith({ ttlMs: 10_000, touchEveryMs: 0 });
      const unused = await store.put(ana, "unused");
      const used = await store.put(ana, "used");
      const lasting = await store.put(ana, "lasting", { ttlMs: null });
      expect(unused.expiresAt).toBe(new Date(now + 10_000).toISOString());
      now += 9_000;
      await store.read(ana, used.handle, { offset: 0, length: 1 });
      now += 2_000;
      expect(await store.stat(ana, unused.handle)).toBeUndefined();
      expect((await store.prune()).results).toBe(1);
      expect(await store.stat(ana, used.handle)).toBeDefined();
      now += 100_000_000;
      await store.prune();
      expect((await store.stat(ana, lasting.handle))?.expiresAt).toBeNull();
      expect((await store.usage()).results).toBe(1);
    });

    test("gives an expired result a new life when its tool runs again", async () => {
      const store = storeWith({ ttlMs: 1_000 });
      const first = await store.put(ana, "again");
      now += 5_000;
      expect(await store.stat(ana, first.handle)).toBeUndefined();
      const second = await store.put(ana, "again");
      expect(second.handle).toBe(first.handle);
      expect((await collect(store, second.handle)).toString()).toBe("again");
    });

    test("stays alive by a touch", async () => {
      const store = storeWith({ ttlMs: 1_000 });
      const { handle } = await store.put(ana, "touched");
      now += 900;
      expect(await store.touch(ana, handle)).toBe(true);
      now += 900;
      expect((await store.stat(ana, handle))?.usedAt).toBe(new Date(now - 900).toISOString());
    });

    test("lets the least recently used of a thread go at its quota", async () => {
      const store = storeWith({ maxThreadBytes: 2_500, touchEveryMs: 0 });
      const results = [];
      for (let index = 0; index < 2; index += 1) {
        now += 1_000;
        results.push(await store.put(ana, randomBytes(1_000)));
      }
      const theirs = await store.put(otherThread, randomBytes(1_000));
      now += 1_000;
      await store.read(ana, results[0]?.handle ?? "", { offset: 0, length: 1 });
      now += 1_000;
      const last = await store.put(ana, randomBytes(1_000));
      expect(await store.stat(ana, results[1]?.handle ?? "")).toBeUndefined();
      expect(await store.stat(ana, results[0]?.handle ?? "")).toBeDefined();
      expect(await store.stat(ana, last.handle)).toBeDefined();
      expect(await store.stat(otherThread, theirs.handle)).toBeDefined();
    });

    test("keeps the whole store under its quota, over threads and scopes", async () => {
      const store = storeWith({ maxTotalBytes: 3_000 });
      const first = await store.put(otherScope, randomBytes(1_000));
      for (const owner of [ana, otherThread, ana]) {
        now += 1_000;
        await store.put(owner, randomBytes(1_000));
      }
      expect((await store.usage()).storedBytes).toBe(3_000);
      expect(await store.stat(otherScope, first.handle)).toBeUndefined();
    });

    test("refuses a result no eviction could make room for, and keeps the others", async () => {
      const store = storeWith({ maxThreadBytes: 1_000 });
      const small = await store.put(ana, "small");
      for (const source of [randomBytes(1_001), inPieces(randomBytes(1_001), 100)]) {
        await expect(store.put(ana, source)).rejects.toMatchObject({ code: "result-too-large" });
      }
      expect(await store.stat(ana, small.handle)).toBeDefined();
    });

    test("forgets a thread, then a scope, and nothing else", async () => {
      const store = storeWith();
      const mine = await store.put(ana, "shared");
      await store.put(ana, "mine");
      const theirs = await store.put(otherThread, "shared");
      const foreign = await store.put(otherScope, "shared");
      expect(await store.forget(ana)).toBe(2);
      expect(await store.stat(ana, mine.handle)).toBeUndefined();
      expect(await store.stat(otherThread, theirs.handle)).toBeDefined();
      expect(await store.forget({ scope: "acme" })).toBe(1);
      expect(await store.stat(otherScope, foreign.handle)).toBeDefined();
      expect((await store.usage()).storedBytes).toBe(6);
    });

    test("keeps odd owners and odd facts apart and intact", async () => {
      const store = storeWith();
      const odd = ["", "..", "a/b", "a\0b", "\ud800", "é".repeat(2_000), "' OR 1=1 --"];
      const meta = { tool: "a\0\ud800", mediaType: "text/plain", nested: { deep: [1, null] } };
      for (const threadId of odd) {
        const owner = { scope: threadId, threadId };
        const { handle } = await store.put(owner, `of ${JSON.stringify(threadId)}`, { meta });
        expect((await store.stat(owner, handle))?.meta).toEqual(meta);
      }
      expect((await store.usage()).results).toBe(odd.length);
    });

    test("writes one content from many sides at once", async () => {
      const store = storeWith();
      const bytes = randomBytes(3 * MB + 1);
      const puts = Array.from({ length: 6 }, (_, index) =>
        store.put(index % 2 === 0 ? ana : otherThread, inPieces(bytes, 50_000)),
      );
      const handles = new Set((await Promise.all(puts)).map((result) => result.handle));
      expect(handles.size).toBe(2);
      expect(await store.usage()).toMatchObject({ results: 2, storedBytes: bytes.length });
      const [handle] = [...handles];
      expect((await collect(store, handle ?? "")).equals(bytes)).toBe(true);
    });

    test("never leaves a handle to nothing when threads put and delete one content at once", async () => {
      const store = storeWith();
      const bytes = randomBytes(1_000);
      const owners = Array.from({ length: 4 }, (_, index) => ({
        scope: "s",
        threadId: `${index}`,
      }));
      await Promise.all(
        owners.map(async (owner, index) => {
          for (let round = 0; round < 12; round += 1) {
            const { handle } = await store.put(owner, bytes);
            const slice = await store.read(owner, handle, { offset: 0, length: 2_000 });
            expect(slice?.bytes.length).toBe(1_000);
            if (round < 11 || index % 2 === 0) await store.delete(owner, handle);
          }
        }),
      );
      const usage = await store.usage();
      expect(usage).toMatchObject({ results: 2, bytes: 2_000 });
      expect(usage.storedBytes).toBeLessThanOrEqual(1_000 * under.mostCopies);
    });

    test("writes and reads through a codec, and leaves no plain byte behind", async () => {
      const flip = (bytes: Uint8Array): Uint8Array =>
        Buffer.concat([Buffer.from("~"), bytes.map((byte) => byte ^ 255)]);
      const codec = {
        encrypt: flip,
        decrypt: (bytes: Uint8Array) => bytes.subarray(1).map((byte) => byte ^ 255),
      };
      const store = storeWith({ codec });
      const text = Array.from({ length: 30_000 }, (_, index) => `secret ${index}`).join("\n");
      const { handle } = await store.put(ana, text);
      expect((await collect(store, handle)).toString()).toBe(text);
      const line = await store.read(ana, handle, { line: 20_000, lines: 1, maxBytes: 100 });
      expect(decodeText(line?.bytes ?? new Uint8Array())).toBe("secret 19999\n");
      const raw = await createResultStore(under.driver, { clock })
        .read(ana, handle, { offset: 0, length: 1 })
        .catch((error: unknown) => error);
      expect(raw).toMatchObject({ code: "result-corrupt" });
    });

    test("is read by a second opener", async () => {
      const { handle } = await storeWith().put(ana, "from one process to the next");
      const other = createResultStore(under.reopen(), { clock });
      expect((await collect(other, handle)).toString()).toBe("from one process to the next");
    });
  });
}
