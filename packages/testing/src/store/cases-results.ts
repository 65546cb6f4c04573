import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";

import { chunksInRange } from "@evenkeel/core";
import type { ChunkRange, ResultStore } from "@evenkeel/core";

import {
  assertBytes,
  chunksOf,
  contentNamed,
  contentOf,
  keep,
  sampleOwner,
  sampleResult,
} from "./result-samples.ts";
import { HOSTILE_VALUES, ODD_IDS, unique } from "./samples.ts";
import type { StoreCase } from "./test-store.ts";

/** What is stored comes back, to its owner alone. */
export const resultCases: readonly StoreCase<ResultStore>[] = [
  {
    name: "gives a result of any bytes back as it was written, and any slice of it",
    async run(store) {
      const owner = sampleOwner();
      for (const size of [0, 1, 999, 1_000, 1_001, 100_000]) {
        const content = randomBytes(size);
        const { handle } = await keep(store, owner, content);
        assertBytes(await contentOf(store, owner, handle), content);
        for (const [first, count] of [
          [0, 1],
          [1, 3],
          [97, 50],
          [5_000, 2],
        ] as const) {
          const read = await store.readResult(owner, handle, { first, count });
          const chunks = chunksOf(content).slice(first, first + count);
          assert.deepEqual(
            read?.chunks.map(({ index, newlines, newlinesBefore }) => [
              index,
              newlines,
              newlinesBefore,
            ]),
            chunks.map(({ index, newlines, newlinesBefore }) => [index, newlines, newlinesBefore]),
          );
          const bytes = Buffer.concat(read.chunks.map((chunk) => chunk.bytes));
          assertBytes(bytes, Buffer.concat(chunks.map((chunk) => chunk.bytes)));
        }
      }
    },
  },
  {
    name: "takes chunks of 64 KB, twenty and more of them",
    async run(store) {
      const owner = sampleOwner();
      const content = randomBytes(1_500_000);
      const writer = store.writeResult(owner, Date.now());
      for (const chunk of chunksOf(content, 65_536)) await writer.write(chunk);
      const { handle } = await writer.commit(sampleResult(content));
      assertBytes(await contentOf(store, owner, handle), content);
    },
  },
  {
    name: "finds the chunks that lines lie in, also lines over several chunks and at their edges",
    async run(store) {
      const owner = sampleOwner();
      const lines = ["a".repeat(999), "b", "c".repeat(3_500), "", "", "d".repeat(998), "e\nf\ng"];
      const content = Buffer.from(`${lines.join("\n")}\n${contentNamed("many").toString()}`);
      const { handle } = await keep(store, owner, content);
      const newlines = chunksOf(content).map((chunk) => chunk.newlines);
      const last = newlines.reduce((sum, each) => sum + each, 0) + 1;
      for (const line of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 60, last, last + 1]) {
        for (const count of [1, 4, 100]) {
          const range: ChunkRange = { line, lastLine: line + 1, count };
          const wanted = chunksInRange(range, newlines);
          const read = await store.readResult(owner, handle, range);
          assert.deepEqual(
            read?.chunks.map(({ index }) => index),
            Array.from({ length: wanted.count }, (_, place) => wanted.first + place),
          );
        }
      }
    },
  },
  {
    name: "answers with the row it was given, hostile facts included",
    async run(store) {
      const owner = sampleOwner();
      const over = { ttlMs: 86_400_000, meta: { values: HOSTILE_VALUES } };
      const content = contentNamed("row");
      const stored = sampleResult(content, over);
      assert.deepEqual(await keep(store, owner, content, stored), stored);
      assert.deepEqual(await store.findResult(owner, stored.handle), stored);
      const read = await store.readResult(owner, stored.handle, { first: 0, count: 1 });
      assert.deepEqual(read?.result, stored);
    },
  },
  {
    name: "shows nothing of a write before it ends, nor of one that is given up",
    async run(store) {
      const owner = sampleOwner();
      const content = contentNamed(unique("unfinished"), 40_000);
      const result = sampleResult(content);
      const writer = store.writeResult(owner, Date.now());
      for (const chunk of chunksOf(content)) await writer.write(chunk);
      assert.equal(await store.findResult(owner, result.handle), undefined);
      assert.equal(await contentOf(store, owner, result.handle), undefined);
      assert.equal(await store.linkResult(owner, result), undefined);
      await writer.abort();
      assert.equal(await store.linkResult(owner, result), undefined);
      assert.deepEqual(await store.resultUsage({ scope: owner.scope }), NOTHING);
    },
  },
  {
    name: "puts a handle on content its scope has, and on no other scope's",
    async run(store) {
      const owner = sampleOwner();
      const neighbour = sampleOwner(owner.scope);
      const stranger = sampleOwner();
      const content = contentNamed("shared");
      const { handle } = await keep(store, owner, content);
      const theirs = sampleResult(content, { handle: "res_theirs" });
      assert.deepEqual(await store.linkResult(neighbour, theirs), theirs);
      assertBytes(await contentOf(store, neighbour, "res_theirs"), content);
      assert.equal(await store.linkResult(stranger, theirs), undefined);
      assert.equal(await store.findResult(owner, "res_theirs"), undefined);
      assert.equal(await store.findResult(neighbour, handle), undefined);
      assert.equal(await store.findResult({ ...owner, scope: stranger.scope }, handle), undefined);
    },
  },
  {
    name: "keeps creation and facts of a handle that is stored again, and takes its new age",
    async run(store) {
      const owner = sampleOwner();
      const content = contentNamed("again");
      const first = await keep(store, owner, content, { createdAt: 1_000, usedAt: 1_000 });
      const second = { ...first, createdAt: 9_000, usedAt: 9_000, ttlMs: 5_000, meta: {} };
      const renewed = { ...first, usedAt: 9_000, ttlMs: 5_000 };
      assert.deepEqual(await store.linkResult(owner, second), renewed);
      assert.deepEqual(await store.findResult(owner, first.handle), renewed);
      assert.deepEqual(await keep(store, owner, content, first), first);
    },
  },
  {
    name: "keeps owners with odd ids apart",
    async run(store) {
      const prefix = unique("odd");
      const owners = ODD_IDS.flatMap((odd) => [
        { scope: `${prefix}:${odd}`, threadId: odd },
        { scope: prefix, threadId: odd },
      ]);
      for (const [place, owner] of owners.entries()) {
        await keep(store, owner, Buffer.from(`content ${place}`), { handle: "res_same" });
      }
      for (const [place, owner] of owners.entries()) {
        assertBytes(await contentOf(store, owner, "res_same"), Buffer.from(`content ${place}`));
      }
      for (const owner of owners) assert.equal(await store.forget(owner), 1);
    },
  },
  {
    name: "keeps copies of a row: what is changed outside stays outside",
    async run(store) {
      const owner = sampleOwner();
      const meta = { list: [1] };
      const { handle } = await keep(store, owner, contentNamed("copy"), { meta });
      const read = await store.findResult(owner, handle);
      for (const { list } of [meta, read?.meta as { list: number[] }]) list.push(2);
      assert.deepEqual((await store.findResult(owner, handle))?.meta, { list: [1] });
    },
  },
  {
    name: "keeps one content once under twenty writers at once",
    async run(store) {
      const scope = unique("scope");
      const owners = Array.from({ length: 20 }, (_, place) => ({
        scope,
        threadId: `${place % 2}`,
      }));
      const content = contentNamed("crowd", 20_000);
      const kept = await Promise.all(owners.map((owner) => keep(store, owner, content)));
      assert.equal(new Set(kept.map(({ handle }) => handle)).size, 1);
      assert.deepEqual(await store.resultUsage({ scope }), {
        results: 2,
        bytes: 40_000,
        storedBytes: 20_000,
      });
      for (const { threadId } of owners.slice(0, 2)) {
        assertBytes(await contentOf(store, { scope, threadId }, kept[0]?.handle ?? ""), content);
      }
    },
  },
];

export const NOTHING = { results: 0, bytes: 0, storedBytes: 0 };
