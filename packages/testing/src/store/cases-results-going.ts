import assert from "node:assert/strict";

import type { ResultOwner, ResultStore, Subject } from "@evenkeel/core";

import { NOTHING } from "./cases-results.ts";
import {
  assertBytes,
  chunksOf,
  contentNamed,
  contentOf,
  keep,
  sampleOwner,
  sampleResult,
} from "./result-samples.ts";
import { unique } from "./samples.ts";
import type { StoreCase } from "./test-store.ts";

const DAY_MS = 86_400_000;

/** Results go when they are to go, never sooner, and never from under a handle. */
export const resultGoingCases: readonly StoreCase<ResultStore>[] = [
  {
    name: "keeps shared content until its last handle goes",
    async run(store) {
      const owner = sampleOwner();
      const neighbour = sampleOwner(owner.scope);
      const content = contentNamed("shared");
      const { handle } = await keep(store, owner, content);
      await keep(store, neighbour, content);
      assert.deepEqual(await store.resultUsage({ scope: owner.scope }), {
        results: 2,
        bytes: 2 * content.length,
        storedBytes: content.length,
      });
      assert.equal(await store.removeResult(neighbour, handle), true);
      assert.equal(await store.removeResult(neighbour, handle), false);
      assertBytes(await contentOf(store, owner, handle), content);
      assert.equal(await store.removeResult(owner, handle), true);
      assert.deepEqual(await store.resultUsage({ scope: owner.scope }), NOTHING);
      assert.equal(await store.linkResult(owner, sampleResult(content)), undefined);
    },
  },
  {
    name: "takes note of a use, and of none where there is nothing",
    async run(store) {
      const owner = sampleOwner();
      const { handle } = await keep(store, owner, contentNamed("used"), { ttlMs: 1_000 });
      const usedAt = Date.now() + 5_000;
      assert.equal(await store.touchResult(owner, handle, usedAt), true);
      assert.equal((await store.findResult(owner, handle))?.usedAt, usedAt);
      assert.equal(await store.touchResult(sampleOwner(owner.scope), handle, usedAt), false);
    },
  },
  {
    name: "forgets the results of a thread, then of a scope, and no others",
    async run(store) {
      const owner = sampleOwner();
      const neighbour = sampleOwner(owner.scope);
      const stranger = sampleOwner();
      const content = contentNamed("shared");
      const { handle } = await keep(store, owner, content);
      await keep(store, owner, contentNamed("own"));
      await keep(store, neighbour, content);
      await keep(store, stranger, content);
      assert.equal(await store.forget(owner), 2);
      assert.equal(await store.findResult(owner, handle), undefined);
      assertBytes(await contentOf(store, neighbour, handle), content);
      assert.equal(await store.forget({ scope: owner.scope }), 1);
      assert.deepEqual(await store.resultUsage({ scope: owner.scope }), NOTHING);
      assertBytes(await contentOf(store, stranger, handle), content);
      const careless = { scope: stranger.scope, threadId: undefined } as unknown as Subject;
      await assert.rejects(store.forget(careless), { code: "invalid-options" });
      assertBytes(await contentOf(store, stranger, handle), content);
    },
  },
  {
    name: "prunes what outlived its own time or was not used for the age asked for, and keeps the rest",
    async run(store) {
      const owner = sampleOwner();
      const now = Date.now();
      const kept = async (name: string, ageMs: number, ttlMs: number | null): Promise<string> => {
        const over = { usedAt: now - ageMs, ttlMs };
        return (await keep(store, owner, contentNamed(name), over)).handle;
      };
      const handles = [
        await kept("expired", 2 * DAY_MS, DAY_MS),
        await kept("unused for long", 40 * DAY_MS, null),
        await kept("old with time left", 20 * DAY_MS, 60 * DAY_MS),
        await kept("lasting", 20 * DAY_MS, null),
        await kept("young", 0, DAY_MS),
      ];
      const revived = await kept("revived", 2 * DAY_MS, DAY_MS);
      await store.touchResult(owner, revived, now);
      assert.ok((await store.prune({ olderThanMs: 30 * DAY_MS })) >= 2);
      const left = await Promise.all(
        [...handles, revived].map((handle) => store.findResult(owner, handle)),
      );
      assert.deepEqual(
        left.map((result) => result !== undefined),
        [false, false, true, true, true, true],
      );
      for (const olderThanMs of [-1, Number.NaN]) {
        await assert.rejects(store.prune({ olderThanMs }), { code: "invalid-options" });
      }
    },
  },
  {
    name: "leaves a write under way alone when it prunes, and never a handle to nothing if it took too long",
    async run(store) {
      const owner = sampleOwner();
      const begin = async (name: string, startedAt: number) => {
        const content = contentNamed(unique(name), 40_000);
        const writer = store.writeResult(owner, startedAt);
        for (const chunk of chunksOf(content)) await writer.write(chunk);
        return { content, writer };
      };
      const young = await begin("young", Date.now());
      const old = await begin("old", Date.now() - DAY_MS);
      await store.prune({ olderThanMs: 300 * DAY_MS });
      const { handle } = await young.writer.commit(sampleResult(young.content));
      assertBytes(await contentOf(store, owner, handle), young.content);
      const late = await old.writer.commit(sampleResult(old.content)).catch(() => undefined);
      const wanted = sampleResult(old.content).handle;
      if (late === undefined) assert.equal(await store.findResult(owner, wanted), undefined);
      else assertBytes(await contentOf(store, owner, wanted), old.content);
    },
  },
  {
    name: "evicts the least recently used of a thread or scope until enough went, and keeps what it must",
    async run(store) {
      const owner = sampleOwner();
      const neighbour = sampleOwner(owner.scope);
      const stranger = sampleOwner();
      const put = async (of: ResultOwner, name: string, usedAt: number): Promise<string> =>
        (await keep(store, of, contentNamed(name, 1_000), { usedAt })).handle;
      const [oldest, middle, newest] = [
        await put(owner, "oldest", 1_000),
        await put(owner, "middle", 2_000),
        await put(owner, "newest", 3_000),
      ];
      const theirs = await put(neighbour, "theirs", 500);
      const foreign = await put(stranger, "foreign", 100);
      const keepOldest = { owner, handle: oldest };
      const ofThread = { subject: owner, bytes: 1_000, keep: keepOldest };
      assert.equal(await store.evictResults(ofThread), 1);
      assert.equal(await store.findResult(owner, middle), undefined);
      const ofScope = { subject: { scope: owner.scope }, bytes: 1_001, keep: keepOldest };
      assert.equal(await store.evictResults(ofScope), 2);
      assert.equal(await store.findResult(neighbour, theirs), undefined);
      assert.equal(await store.findResult(owner, newest), undefined);
      assert.equal(await store.evictResults(ofScope), 0);
      assert.notEqual(await store.findResult(owner, oldest), undefined);
      assert.notEqual(await store.findResult(stranger, foreign), undefined);
    },
  },
  {
    name: "never leaves a handle to nothing where threads store and remove one content at once",
    async run(store) {
      const scope = unique("scope");
      const content = contentNamed("contended", 1_500);
      const { handle } = sampleResult(content);
      await Promise.all(
        Array.from({ length: 4 }, async (_, place) => {
          const owner = { scope, threadId: `${place}` };
          for (let round = 0; round < 10; round += 1) {
            const linked = await store.linkResult(owner, sampleResult(content));
            if (linked === undefined) await keep(store, owner, content);
            assertBytes(await contentOf(store, owner, handle), content);
            if (round < 9 || place % 2 === 0) await store.removeResult(owner, handle);
          }
        }),
      );
      const { results, bytes } = await store.resultUsage({ scope });
      assert.deepEqual({ results, bytes }, { results: 2, bytes: 3_000 });
      assert.equal(await store.forget({ scope }), 2);
      assert.equal((await store.resultUsage({ scope })).storedBytes, 0);
    },
  },
];
