import assert from "node:assert/strict";

import type { EvenkeelEvent } from "@evenkeel/core";

import { ago, ofTheFuture, sampleAudit, sampleEvent, sampleRecord, unique } from "./samples.ts";
import type { StoreCase } from "./test-store.ts";

/** What is kept comes back: whole, in order, once. */
export const keepingCases: readonly StoreCase[] = [
  {
    name: "knows nothing of an execution it has not seen",
    async run(store) {
      const executionId = unique("execution");
      assert.equal(await store.lastSequence(executionId), 0);
      assert.deepEqual(await store.listEvents(executionId), []);
      assert.equal(await store.getRecord(executionId), undefined);
      assert.deepEqual(await store.listRecords({ scope: executionId }), []);
      assert.equal(await store.getManifest(executionId, "hash"), undefined);
      assert.deepEqual(await store.listAudit({ executionId }), []);
    },
  },
  {
    name: "gives events back whole and by ascending sequence, however they came",
    async run(store) {
      const executionId = unique("execution");
      const events = [3, 1, 2, 11, 10].map((sequence) => sampleEvent(executionId, sequence));
      await store.appendEvents("scope", events.slice(0, 2));
      await store.appendEvents("scope", events.slice(2));
      const ordered = events.toSorted((a, b) => a.sequence - b.sequence);
      assert.deepEqual(await store.listEvents(executionId), ordered);
    },
  },
  {
    name: "leaves an event that is there as it stands",
    async run(store) {
      const executionId = unique("execution");
      const first = sampleEvent(executionId, 1, { detail: { said: "first" } });
      const second = sampleEvent(executionId, 1, { detail: { said: "second" } });
      await store.appendEvents("scope", [first, second]);
      await store.appendEvents("scope", [second, sampleEvent(executionId, 2)]);
      await store.appendEvents("other scope", [second]);
      const kept = await store.listEvents(executionId);
      assert.deepEqual(kept[0], first);
      assert.equal(kept.length, 2);
    },
  },
  {
    name: "counts the last sequence per execution, over several appends",
    async run(store) {
      const [one, other] = [unique("execution"), unique("execution")];
      await store.appendEvents("scope", []);
      await store.appendEvents("scope", [sampleEvent(one, 1), sampleEvent(other, 1)]);
      await store.appendEvents("scope", [sampleEvent(one, 2), sampleEvent(one, 3)]);
      assert.equal(await store.lastSequence(one), 3);
      assert.equal(await store.lastSequence(other), 1);
    },
  },
  {
    name: "keeps the first manifest under a hash, inside its scope",
    async run(store) {
      const [scope, other] = [unique("scope"), unique("scope")];
      await store.putManifest(scope, "hash", { prompt: "one", nested: [{ a: null }] });
      await store.putManifest(scope, "hash", { prompt: "two" });
      await store.putManifest(other, "hash", null);
      assert.deepEqual(await store.getManifest(scope, "hash"), {
        prompt: "one",
        nested: [{ a: null }],
      });
      assert.equal(await store.getManifest(other, "hash"), null);
      assert.equal(await store.getManifest(scope, "another hash"), undefined);
    },
  },
  {
    name: "keeps audit entries once, and lists them newest first",
    async run(store) {
      const scope = unique("scope");
      const executionId = unique("execution");
      const older = sampleAudit(scope, { at: ago(60_000), executionId });
      const newer = sampleAudit(scope);
      for (const entry of [newer, older, { ...older, reason: "told again" }]) {
        await store.appendAudit(entry);
      }
      assert.deepEqual(await store.listAudit({ scope }), [newer, older]);
      assert.deepEqual(await store.listAudit({ scope, limit: 1 }), [newer]);
      assert.deepEqual(await store.listAudit({ executionId }), [older]);
    },
  },
  {
    name: "keeps copies: what is changed outside stays outside",
    async run(store) {
      const executionId = unique("execution");
      const scope = unique("scope");
      const event = sampleEvent(executionId, 1, { detail: { list: [1] } });
      const record = sampleRecord(scope, executionId, { facts: { list: [1] } });
      const manifest = { list: [1] };
      await store.appendEvents(scope, [event]);
      await store.putRecord(record);
      await store.putManifest(scope, "hash", manifest);
      const handedOut = await Promise.all([
        store.listEvents(executionId),
        store.getRecord(executionId),
        store.getManifest(scope, "hash"),
      ]);
      for (const value of [event, record, manifest, ...handedOut]) emptyLists(value);
      assert.deepEqual((await store.listEvents(executionId))[0]?.detail, { list: [1] });
      assert.deepEqual((await store.getRecord(executionId))?.facts, { list: [1] });
      assert.deepEqual(await store.getManifest(scope, "hash"), { list: [1] });
    },
  },
  {
    name: "gives rows of a version it does not know back whole, for their reader to judge",
    async run(store) {
      const [scope, executionId] = [unique("scope"), unique("execution")];
      const event = ofTheFuture(sampleEvent(executionId, 7));
      const record = ofTheFuture(sampleRecord(scope, executionId));
      const entry = ofTheFuture(sampleAudit(scope));
      await store.appendEvents(scope, [event]);
      await store.putRecord(record);
      await store.appendAudit(entry);
      assert.deepEqual(await store.listEvents(executionId), [event]);
      assert.equal(await store.lastSequence(executionId), 7);
      assert.deepEqual(await store.getRecord(executionId), record);
      assert.deepEqual(await store.listRecords({ scope }), [record]);
      assert.deepEqual(await store.listAudit({ scope }), [entry]);
    },
  },
  {
    name: "loses nothing and doubles nothing under twenty writers at once",
    async run(store) {
      const executionId = unique("execution");
      const events = Array.from({ length: 100 }, (_, index) => sampleEvent(executionId, index + 1));
      // Every event is written by two writers, half of them in opposite order.
      const writers = Array.from({ length: 20 }, (_, writer): EvenkeelEvent[] => {
        const share = events.filter((_event, index) => (index + writer) % 10 === 0);
        return writer < 10 ? share : share.toReversed();
      });
      await Promise.all(writers.map((share) => store.appendEvents("scope", share)));
      assert.deepEqual(await store.listEvents(executionId), events);
      assert.equal(await store.lastSequence(executionId), 100);
    },
  },
  {
    name: "leaves one whole record, manifest and audit entry after twenty writers at once",
    async run(store) {
      const [scope, executionId] = [unique("scope"), unique("execution")];
      const record = sampleRecord(scope, executionId);
      const entry = sampleAudit(scope);
      await Promise.all(
        Array.from({ length: 20 }, async (_, attempt) => {
          await store.putRecord({ ...record, attempt, facts: { attempt } });
          await store.putManifest(scope, "hash", { same: true });
          await store.appendAudit(entry);
        }),
      );
      const kept = await store.getRecord(executionId);
      assert.deepEqual(kept?.facts, { attempt: kept?.attempt });
      assert.equal((await store.listRecords({ scope })).length, 1);
      assert.deepEqual(await store.getManifest(scope, "hash"), { same: true });
      assert.deepEqual(await store.listAudit({ scope }), [entry]);
    },
  },
];

function emptyLists(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  for (const member of Object.values(value)) emptyLists(member);
  if (Array.isArray(value)) value.length = 0;
}
