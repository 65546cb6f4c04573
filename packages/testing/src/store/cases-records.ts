import assert from "node:assert/strict";

import { ago, sampleRecord, unique } from "./samples.ts";
import type { StoreCase } from "./test-store.ts";

/** Records are replaced, by those who know what they replace, and listed in order. */
export const recordCases: readonly StoreCase[] = [
  {
    name: "replaces the record of an execution, and lists records newest first",
    async run(store) {
      const scope = unique("scope");
      const records = [3, 1, 2].map((age) =>
        sampleRecord(scope, unique("execution"), {
          startedAt: ago(age * 60_000),
          status: age === 1 ? "failed" : "completed",
          threadId: `thread-${age}`,
        }),
      );
      for (const record of records) await store.putRecord({ ...record, status: "running" });
      for (const record of records) await store.putRecord(record);
      const [oldest, newest, middle] = records;
      assert.ok(oldest && newest && middle);
      assert.deepEqual(await store.getRecord(oldest.executionId), oldest);
      assert.deepEqual(await store.listRecords({ scope }), [newest, middle, oldest]);
      assert.deepEqual(await store.listRecords({ scope, limit: 2 }), [newest, middle]);
      assert.deepEqual(await store.listRecords({ scope, limit: 0 }), []);
      assert.deepEqual(await store.listRecords({ scope, status: "failed" }), [newest]);
      assert.deepEqual(await store.listRecords({ scope, status: "running" }), []);
      assert.deepEqual(await store.listRecords({ scope, threadId: "thread-2" }), [middle]);
    },
  },
  {
    name: "replaces a record for one of those who know it, where it can replace what it knows",
    async run(store) {
      // Optional: without it a record is read before it is changed.
      if (store.replaceRecord === undefined) return;
      const [scope, executionId] = [unique("scope"), unique("execution")];
      const begun = sampleRecord(scope, executionId, { status: "running", endedAt: null });
      const ended = { ...begun, status: "completed" as const, endedAt: ago(0) };
      assert.equal(await store.replaceRecord(ended, begun), false);
      assert.equal(await store.getRecord(executionId), undefined);
      await store.putRecord(begun);
      const [one, other] = [await store.getRecord(executionId), await store.getRecord(executionId)];
      assert.ok(one !== undefined && other !== undefined);
      const stranger = sampleRecord(scope, unique("execution"));
      await store.putRecord(stranger);
      assert.equal(await store.replaceRecord(ended, stranger), false);
      const both = await Promise.all([
        store.replaceRecord({ ...ended, facts: { by: "one" } }, one),
        store.replaceRecord({ ...ended, facts: { by: "other" } }, other),
      ]);
      assert.deepEqual(new Set(both), new Set([true, false]));
      assert.deepEqual((await store.getRecord(executionId))?.facts, {
        by: both[0] ? "one" : "other",
      });
      assert.equal(await store.replaceRecord(ended, begun), false);
    },
  },
  {
    name: "replaces the record it just took, time and again",
    async run(store) {
      if (store.replaceRecord === undefined) return;
      const [scope, executionId] = [unique("scope"), unique("execution")];
      let known = sampleRecord(scope, executionId, { status: "running" });
      await store.putRecord(known);
      for (const steps of [1, 2, 3]) {
        const next = { ...known, facts: { steps } };
        assert.equal(await store.replaceRecord(next, known), true);
        known = next;
      }
      assert.deepEqual(await store.getRecord(executionId), known);
    },
  },
  {
    name: "lists records page by page, none twice and none left out, and from a moment on",
    async run(store) {
      const scope = unique("scope");
      const [early, late] = [ago(60_000), ago(0)];
      const records = [early, early, early, late].map((startedAt) =>
        sampleRecord(scope, unique("execution"), { startedAt }),
      );
      for (const record of records) await store.putRecord(record);
      const all = await store.listRecords({ scope });
      const paged: unknown[] = [];
      let before = all[0];
      while (before !== undefined && paged.length <= records.length) {
        paged.push(before);
        [before] = await store.listRecords({ scope, before, limit: 1 });
      }
      assert.equal(paged.length, 4);
      assert.deepEqual(paged, all);
      assert.deepEqual(await store.listRecords({ scope, since: late }), all.slice(0, 1));
      assert.deepEqual(await store.listRecords({ scope, since: early }), all);
    },
  },
];
