import assert from "node:assert/strict";

import type { EvenkeelStore } from "@evenkeel/core";

import { ago, sampleAudit, sampleEvent, sampleRecord, unique } from "./samples.ts";
import type { StoreCase } from "./test-store.ts";

const DAY_MS = 86_400_000;

interface Tenant {
  scope: string;
  executionId: string;
}

/** One row of every kind for a thread of a tenant. */
async function fill(store: EvenkeelStore, scope: string, threadId: string): Promise<Tenant> {
  const executionId = unique("execution");
  await store.appendEvents(scope, [sampleEvent(executionId, 1, { threadId })]);
  await store.putRecord(sampleRecord(scope, executionId, { threadId, manifestHash: "hash" }));
  await store.putManifest(scope, "hash", { of: scope });
  await store.appendAudit(sampleAudit(scope, { threadId, executionId }));
  return { scope, executionId };
}

/** How many rows of each kind are left of a tenant. */
async function left(store: EvenkeelStore, { scope, executionId }: Tenant): Promise<number[]> {
  return [
    (await store.listEvents(executionId)).length,
    (await store.listRecords({ scope })).length,
    (await store.getManifest(scope, "hash")) === undefined ? 0 : 1,
    (await store.listAudit({ scope })).length,
  ];
}

/** What is erased goes, and nothing beside it. */
export const erasingCases: readonly StoreCase[] = [
  {
    name: "keeps two tenants with equal thread ids and hashes apart",
    async run(store) {
      const mine = await fill(store, unique("scope"), "thread");
      const theirs = await fill(store, unique("scope"), "thread");
      assert.deepEqual(await store.getManifest(mine.scope, "hash"), { of: mine.scope });
      const [record] = await store.listRecords({ scope: mine.scope, threadId: "thread" });
      assert.equal(record?.executionId, mine.executionId);
      assert.equal(await store.forget({ scope: mine.scope, threadId: "thread" }), 3);
      assert.deepEqual(await left(store, mine), [0, 0, 1, 0]);
      assert.deepEqual(await left(store, theirs), [1, 1, 1, 1]);
      assert.equal(await store.forget({ scope: theirs.scope }), 4);
      assert.deepEqual(await left(store, theirs), [0, 0, 0, 0]);
    },
  },
  {
    name: "forgets one thread, and leaves the scope's other threads and manifests",
    async run(store) {
      const scope = unique("scope");
      const gone = await fill(store, scope, "gone");
      const stays = await fill(store, scope, "stays");
      assert.equal(await store.forget({ scope, threadId: "gone" }), 3);
      assert.equal((await store.listEvents(gone.executionId)).length, 0);
      assert.equal(await store.getRecord(gone.executionId), undefined);
      assert.deepEqual(await left(store, stays), [1, 1, 1, 1]);
      assert.equal(await store.forget({ scope, threadId: "gone" }), 0);
    },
  },
  {
    name: "forgets a whole scope, rows without a thread included",
    async run(store) {
      const scope = unique("scope");
      const first = await fill(store, scope, "one");
      await fill(store, scope, "two");
      const executionId = unique("execution");
      await store.appendEvents(scope, [sampleEvent(executionId, 1), sampleEvent(executionId, 2)]);
      assert.equal(await store.forget({ scope }), 9);
      assert.deepEqual(await left(store, first), [0, 0, 0, 0]);
      assert.equal(await store.lastSequence(executionId), 0);
    },
  },
  {
    name: "refuses to forget a whole scope where a thread was meant",
    async run(store) {
      const tenant = await fill(store, unique("scope"), "thread");
      const subjects = [{ scope: tenant.scope, threadId: undefined }, { threadId: "thread" }, {}];
      for (const subject of subjects) {
        // @ts-expect-error this is what a caller without types can do
        await assert.rejects(store.forget(subject), { code: "invalid-options" });
      }
      assert.deepEqual(await left(store, tenant), [1, 1, 1, 1]);
    },
  },
  {
    name: "prunes what is older and leaves what is younger",
    async run(store) {
      const scope = unique("scope");
      const [old, young] = [unique("execution"), unique("execution")];
      const past = { startedAt: ago(9 * DAY_MS), endedAt: ago(8 * DAY_MS) };
      await store.appendEvents(scope, [sampleEvent(old, 1, { at: ago(8 * DAY_MS) })]);
      await store.appendEvents(scope, [sampleEvent(young, 1)]);
      await store.putRecord(sampleRecord(scope, old, past));
      await store.putRecord(sampleRecord(scope, young, { startedAt: past.startedAt }));
      await store.appendAudit(sampleAudit(scope, { at: ago(8 * DAY_MS), reason: "old" }));
      await store.appendAudit(sampleAudit(scope, { reason: "young" }));
      const erased = await store.prune({ olderThanMs: 7 * DAY_MS });
      assert.ok(erased >= 3, `pruned ${erased} rows, at least 3 were old`);
      assert.equal(await store.lastSequence(old), 0);
      assert.equal(await store.lastSequence(young), 1);
      assert.deepEqual(
        (await store.listRecords({ scope })).map((record) => record.executionId),
        [young],
      );
      assert.deepEqual(
        (await store.listAudit({ scope })).map((entry) => entry.reason),
        ["young"],
      );
    },
  },
  {
    name: "prunes the events of an execution together, so that its sequence has no gap",
    async run(store) {
      const [ended, running] = [unique("execution"), unique("execution")];
      const old = { at: ago(8 * DAY_MS) };
      await store.appendEvents("scope", [sampleEvent(ended, 1, old), sampleEvent(ended, 2, old)]);
      await store.appendEvents("scope", [sampleEvent(running, 1, old), sampleEvent(running, 2)]);
      await store.prune({ olderThanMs: 7 * DAY_MS });
      assert.equal(await store.lastSequence(ended), 0);
      assert.equal((await store.listEvents(running)).length, 2);
    },
  },
  {
    name: "prunes no manifest that a record still names or that was just used",
    async run(store) {
      const scope = unique("scope");
      await store.putManifest(scope, "named", 1);
      await store.putManifest(scope, "unnamed", 2);
      await store.putRecord(
        sampleRecord(scope, unique("execution"), { manifestHash: "named", endedAt: ago(-DAY_MS) }),
      );
      await store.prune({ olderThanMs: DAY_MS });
      assert.equal(await store.getManifest(scope, "unnamed"), 2);
      await new Promise((later) => setTimeout(later, 5));
      await store.prune({ olderThanMs: 0 });
      assert.equal(await store.getManifest(scope, "named"), 1);
      assert.equal(await store.getManifest(scope, "unnamed"), undefined);
    },
  },
  {
    name: "refuses an age that is none, and erases nothing",
    async run(store) {
      const tenant = await fill(store, unique("scope"), "thread");
      for (const olderThanMs of [-1, Number.NaN]) {
        await assert.rejects(store.prune({ olderThanMs }), { code: "invalid-options" });
      }
      assert.equal(typeof (await store.prune({ olderThanMs: Number.MAX_VALUE })), "number");
      assert.deepEqual(await left(store, tenant), [1, 1, 1, 1]);
    },
  },
];
