import assert from "node:assert/strict";

import {
  HOSTILE_VALUES,
  ODD_IDS,
  sampleAudit,
  sampleEvent,
  sampleRecord,
  unique,
} from "./samples.ts";
import type { StoreCase } from "./test-store.ts";

const TEN_MEGABYTES = 10_000_000;

/** What callers may send, and what they may not. */
export const boundsCases: readonly StoreCase[] = [
  {
    name: "keeps odd ids apart: quotes, backslashes, other scripts, 1.5 KB",
    async run(store) {
      const prefix = unique("odd");
      for (const odd of ODD_IDS) {
        const executionId = `${prefix}${odd}`;
        await store.appendEvents(executionId, [sampleEvent(executionId, 1, { threadId: odd })]);
        await store.putRecord(
          sampleRecord(executionId, executionId, { threadId: odd, manifestHash: odd }),
        );
        await store.putManifest(executionId, odd, odd);
        await store.appendAudit(
          sampleAudit(executionId, { id: executionId, executionId, threadId: odd }),
        );
      }
      for (const odd of ODD_IDS) {
        const key = `${prefix}${odd}`;
        const [event, ...further] = await store.listEvents(key);
        assert.equal(event?.threadId, odd);
        assert.equal(further.length, 0);
        const records = await store.listRecords({ scope: key, threadId: odd });
        assert.deepEqual(
          records.map((record) => record.executionId),
          [key],
        );
        assert.equal(await store.getManifest(key, odd), odd);
        assert.deepEqual(
          (await store.listAudit({ executionId: key })).map((entry) => entry.id),
          [key],
        );
      }
      for (const odd of ODD_IDS) {
        assert.equal(await store.forget({ scope: `${prefix}${odd}`, threadId: odd }), 3);
      }
    },
  },
  {
    name: "gives hostile values back as they came: NUL, lone surrogates, SQL, nesting",
    async run(store) {
      const [scope, executionId] = [unique("scope"), unique("execution")];
      const events = HOSTILE_VALUES.map((value, index) =>
        sampleEvent(executionId, index + 1, { detail: { value } }),
      );
      await store.appendEvents(scope, events);
      const record = sampleRecord(scope, executionId, { facts: { values: HOSTILE_VALUES } });
      await store.putRecord(record);
      await store.putManifest(scope, "hash", HOSTILE_VALUES);
      const entry = sampleAudit(scope, {
        actor: "\u0000\ud800",
        detail: { values: HOSTILE_VALUES },
      });
      await store.appendAudit(entry);
      assert.deepEqual(await store.listEvents(executionId), events);
      assert.deepEqual(await store.getRecord(executionId), record);
      assert.deepEqual(await store.getManifest(scope, "hash"), HOSTILE_VALUES);
      assert.deepEqual(await store.listAudit({ scope }), [entry]);
    },
  },
  {
    name: "keeps bodies of 10 MB whole",
    async run(store) {
      const [scope, executionId] = [unique("scope"), unique("execution")];
      const text = "0123456789".repeat(TEN_MEGABYTES / 10);
      await store.putManifest(scope, "hash", { text });
      await store.putRecord(sampleRecord(scope, executionId, { facts: { text } }));
      await store.appendEvents(scope, [sampleEvent(executionId, 1, { detail: { text } })]);
      const manifest = await store.getManifest(scope, "hash");
      const record = await store.getRecord(executionId);
      const [event] = await store.listEvents(executionId);
      // Compared as flags, since a difference of 10 MB would fill the report.
      assert.ok(
        JSON.stringify(manifest) === JSON.stringify({ text }),
        "the manifest came back whole",
      );
      assert.ok(record?.facts["text"] === text, "the record came back whole");
      assert.ok(event?.detail["text"] === text, "the event came back whole");
      assert.equal(await store.forget({ scope }), 3);
    },
  },
  {
    name: "keeps a row whose moment in time is none",
    async run(store) {
      const [scope, executionId] = [unique("scope"), unique("execution")];
      const event = sampleEvent(executionId, 1, { at: "yesterday, about noon" });
      const record = sampleRecord(scope, executionId, { startedAt: "", endedAt: "?" });
      await store.appendEvents(scope, [event]);
      await store.putRecord(record);
      assert.deepEqual(await store.listEvents(executionId), [event]);
      assert.deepEqual(await store.listRecords({ scope }), [record]);
    },
  },
  {
    name: "refuses what is no JSON, with a code, and keeps nothing of it",
    async run(store) {
      const [scope, executionId] = [unique("scope"), unique("execution")];
      const cycle: Record<string, unknown> = {};
      cycle["self"] = cycle;
      for (const body of [1n, cycle, undefined, () => 1]) {
        await assert.rejects(store.putManifest(scope, "hash", body), {
          code: "not-canonical-json",
        });
      }
      const bad = sampleEvent(executionId, 2, { detail: { cycle } });
      const both = [sampleEvent(executionId, 1), bad];
      await assert.rejects(store.appendEvents(scope, both), { code: "not-canonical-json" });
      assert.equal(await store.getManifest(scope, "hash"), undefined);
      assert.equal(await store.lastSequence(executionId), 0);
    },
  },
  {
    name: "refuses a sequence or limit that is none, and keeps nothing of the call",
    async run(store) {
      const executionId = unique("execution");
      for (const sequence of [0, -1, 1.5, Number.NaN, 2 ** 40]) {
        const events = [sampleEvent(executionId, 1), sampleEvent(executionId, sequence)];
        await assert.rejects(store.appendEvents("scope", events), { code: "invalid-options" });
      }
      assert.equal(await store.lastSequence(executionId), 0);
      for (const limit of [-1, 1.5, Number.NaN]) {
        await assert.rejects(store.listRecords({ limit }), { code: "invalid-options" });
        await assert.rejects(store.listAudit({ limit }), { code: "invalid-options" });
      }
    },
  },
];
