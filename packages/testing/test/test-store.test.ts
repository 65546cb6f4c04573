import type { EvenkeelEvent, EvenkeelStore, RunRecord } from "@evenkeel/core";
import { describe, expect, it } from "vitest";

import { memoryStore } from "../../core/src/store/memory-store.ts";
import { storeCases, testStore } from "../src/store/test-store.ts";

/** A store that breaks one law; built anew for every case. */
type Fault = (store: EvenkeelStore) => Partial<EvenkeelStore>;

/** The cases a faulty store fails, of those whose name holds a text. */
async function failuresOf(fault: Fault, named = ""): Promise<string[]> {
  const create = (): EvenkeelStore => {
    const store = memoryStore();
    return { ...store, ...fault(store) };
  };
  const failed: string[] = [];
  const cases = testStore({ create }).filter(({ name }) => name.includes(named));
  for (const { name, run } of cases) {
    await run().catch(() => failed.push(name));
  }
  return failed;
}

function renamed(event: EvenkeelEvent, change: (id: string) => string): EvenkeelEvent {
  return { ...event, executionId: change(event.executionId) };
}

/** What a column of a database may do to a text. */
function asColumn(text: string): string {
  return text.trimEnd().toLowerCase();
}

const faults: [string, Fault, string][] = [
  [
    "counts events instead of taking the highest sequence",
    (store) => ({ lastSequence: async (id) => (await store.listEvents(id)).length }),
    "gives rows of a version",
  ],
  [
    "gives events in the order they came",
    (store) => ({ listEvents: async (id) => (await store.listEvents(id)).toReversed() }),
    "by ascending sequence",
  ],
  [
    "takes the last event under a sequence",
    (store) => ({
      appendEvents: (scope, events) => store.appendEvents(scope, events.toReversed()),
    }),
    "leaves an event that is there",
  ],
  [
    "keeps the first record of an execution",
    (store) => ({
      putRecord: async (record) => {
        if ((await store.getRecord(record.executionId)) === undefined)
          await store.putRecord(record);
      },
    }),
    "replaces the record",
  ],
  [
    "replaces a record whatever it knows of it",
    (store) => ({
      replaceRecord: async (record) => {
        await store.putRecord(record);
        return true;
      },
    }),
    "replaces a record for one",
  ],
  [
    "says of a record it wrote that it did not",
    (store) => ({
      replaceRecord: async (record) => {
        await store.putRecord(record);
        return false;
      },
    }),
    "replaces the record it just took",
  ],
  [
    "lists records oldest first",
    (store) => ({
      listRecords: async (query) => (await store.listRecords(query)).toReversed(),
    }),
    "newest first",
  ],
  [
    "keeps manifests in one place for all scopes",
    (store) => ({
      putManifest: (_scope, hash, body) => store.putManifest("", hash, body),
      getManifest: (_scope, hash) => store.getManifest("", hash),
    }),
    "inside its scope",
  ],
  [
    "forgets a thread in every scope",
    (store) => ({
      forget: async (subject) => {
        const records = subject.threadId === undefined ? [] : await store.listRecords({});
        const scopes = new Set([
          subject.scope,
          ...records.map((record: RunRecord) => record.scope),
        ]);
        const erased = await Promise.all(
          [...scopes].map((scope) => store.forget({ ...subject, scope })),
        );
        return erased.reduce((sum, rows) => sum + rows, 0);
      },
    }),
    "two tenants",
  ],
  [
    "forgets the whole scope where a thread is named",
    (store) => ({ forget: ({ scope }) => store.forget({ scope }) }),
    "forgets one thread",
  ],
  ["forgets nothing", () => ({ forget: async () => 0 }), "forgets a whole scope"],
  [
    "takes a missing thread for the whole scope",
    (store) => ({
      forget: ({ scope, threadId }) =>
        store.forget(threadId === undefined ? { scope } : { scope, threadId }),
    }),
    "where a thread was meant",
  ],
  ["prunes nothing", () => ({ prune: async () => 0 }), "prunes what is older"],
  [
    "prunes everything",
    (store) => ({
      prune: async ({ olderThanMs }) => {
        await new Promise((later) => setTimeout(later, 3));
        return store.prune({ olderThanMs: Math.min(olderThanMs, 0) });
      },
    }),
    "leaves what is younger",
  ],
  [
    "takes a negative age for none",
    (store) => ({
      prune: ({ olderThanMs }) => store.prune({ olderThanMs: Math.abs(olderThanMs) }),
    }),
    "refuses an age",
  ],
  [
    "folds ids as a column may",
    (store) => ({
      appendEvents: (scope, events) =>
        store.appendEvents(
          scope,
          events.map((event) => renamed(event, asColumn)),
        ),
      listEvents: (id) => store.listEvents(asColumn(id)),
    }),
    "keeps odd ids apart",
  ],
  [
    "loses NUL, as jsonb would",
    (store) => ({
      putManifest: (scope, hash, body) =>
        store.putManifest(
          scope,
          hash,
          JSON.parse((JSON.stringify(body) ?? "x").replaceAll("\\u0000", "")),
        ),
    }),
    "hostile values",
  ],
  [
    "cuts what is large",
    (store) => ({
      putManifest: (scope, hash, body) =>
        store.putManifest(scope, hash, JSON.stringify(body).length > 1_000_000 ? {} : body),
    }),
    "10 MB",
  ],
  [
    "loses an append that meets another one",
    (store) => {
      let busy = false;
      return {
        appendEvents: async (scope, events) => {
          if (busy) return;
          busy = true;
          await Promise.resolve();
          busy = false;
          await store.appendEvents(scope, events);
        },
      };
    },
    "twenty writers",
  ],
  [
    "refuses rows of a version it does not know",
    (store) => ({
      getRecord: async (id) => {
        const record = await store.getRecord(id);
        return record?.v === 1 ? record : undefined;
      },
    }),
    "gives rows of a version",
  ],
  [
    "writes the first half of a refused append",
    (store) => ({
      appendEvents: async (scope, events) => {
        for (const event of events) await store.appendEvents(scope, [event]);
      },
    }),
    "keeps nothing of the call",
  ],
  [
    "shows a result to every thread of its scope",
    (store) => ({
      findResult: ({ scope }, handle) => store.findResult({ scope, threadId: "" }, handle),
      linkResult: async ({ scope }, result) => {
        await store.linkResult({ scope, threadId: "" }, result);
        return store.linkResult({ scope, threadId: "" }, result);
      },
    }),
    "puts a handle on content",
  ],
  [
    "loses the last chunk of a slice",
    (store) => ({
      readResult: async (owner, handle, range) => {
        const read = await store.readResult(owner, handle, range);
        return read === undefined ? undefined : { ...read, chunks: read.chunks.slice(0, -1) };
      },
    }),
    "gives a result of any bytes",
  ],
  [
    "takes a line for the first one",
    (store) => ({
      readResult: (owner, handle, range) =>
        store.readResult(owner, handle, "line" in range ? { ...range, line: 1 } : range),
    }),
    "finds the chunks that lines lie in",
  ],
  [
    "lets a result take over the facts of the one before",
    (store) => ({
      linkResult: async (owner, result) => {
        const linked = await store.linkResult(owner, result);
        return linked === undefined ? undefined : { ...linked, meta: result.meta };
      },
    }),
    "keeps creation and facts",
  ],
  ["takes no note of a use", () => ({ touchResult: async () => true }), "takes note of a use"],
  [
    "keeps every result for good",
    (store) => ({
      writeResult: (owner, startedAt) => {
        const writer = store.writeResult(owner, startedAt);
        return { ...writer, commit: (result) => writer.commit({ ...result, ttlMs: null }) };
      },
    }),
    "prunes what outlived its own time",
  ],
  [
    "evicts what was just stored",
    (store) => ({
      evictResults: (eviction) =>
        store.evictResults({ ...eviction, keep: { ...eviction.keep, handle: "another" } }),
    }),
    "evicts the least recently used",
  ],
  ["keeps no audit", () => ({ appendAudit: async () => undefined }), "keeps audit entries once"],
];

describe("testStore", () => {
  it.each(faults)("fails a store that %s", async (_title, fault, law) => {
    expect(await failuresOf(fault, law)).toContainEqual(expect.stringContaining(law));
  });

  it("passes the store it is derived from", async () => {
    expect(await failuresOf(() => ({}))).toEqual([]);
  });

  it("names every case once", () => {
    const names = storeCases.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it("takes the store down after each case, also a failed one", async () => {
    const events: string[] = [];
    const broken = { ...memoryStore(), lastSequence: () => Promise.reject(new Error("down")) };
    const cases = testStore({
      create: () => {
        events.push("created");
        return broken;
      },
      destroy: (store) => {
        events.push(store === broken ? "destroyed" : "another store");
      },
    });
    const [first] = cases;
    await expect(first?.run()).rejects.toThrow("down");
    expect(events).toEqual(["created", "destroyed"]);
  });
});
