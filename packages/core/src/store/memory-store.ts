import type { EvenkeelEvent } from "../event/event.ts";
import { memoryBreakers } from "./memory-breakers.ts";
import { memoryEffects } from "./memory-effects.ts";
import { memoryLeases } from "./memory-leases.ts";
import { memoryResults } from "./memory-results.ts";
import {
  checkedAge,
  checkedEvents,
  checkedLimit,
  checkedSubject,
  checkedText,
  storedJson,
  storedTime,
} from "./store-input.ts";
import type { AuditEntry, EvenkeelStore, RunRecord } from "./stores.ts";

/** What {@link memoryStore} can be told. */
export interface MemoryStoreOptions {
  /** The present, in epoch milliseconds; ages are counted from it. @default Date.now */
  now?: () => number;
}

/** A row keeps JSON text, as a database does, so that nobody changes it from outside. */
interface Row {
  scope: string | null;
  threadId: string | null;
  /** Epoch milliseconds. */
  at: number;
  body: string;
}

interface EventRow extends Row {
  executionId: string;
  sequence: number;
}

interface RecordRow extends Row {
  executionId: string;
  startedAt: number;
  status: string;
  manifestHash: string | null;
}

interface ManifestRow extends Row {
  scope: string;
  hash: string;
}

interface AuditRow extends Row {
  id: string;
  executionId: string | null;
}

/**
 * Every store of Evenkeel in this process's memory, gone with it. For tests and for trying out: a
 * run that is to survive a crash needs a durable one.
 */
export function memoryStore(options: MemoryStoreOptions = {}): EvenkeelStore {
  const { now = Date.now } = options;
  const events = new Map<string, EventRow>();
  const records = new Map<string, RecordRow>();
  const manifests = new Map<string, ManifestRow>();
  const audit = new Map<string, AuditRow>();
  const leases = memoryLeases(now);
  const effects = memoryEffects(now, leases);
  const { forgetBreakers, pruneBreakers, ...breakers } = memoryBreakers(now);
  const results = memoryResults(now);

  const eventsOf = (executionId: string): EventRow[] =>
    [...events.values()].filter((row) => row.executionId === executionId);

  return {
    ...effects.store,
    ...leases.store,
    ...breakers,
    ...results,

    async appendEvents(scope, appended) {
      checkedText(scope, "scope");
      const rows = checkedEvents(appended).map((event) => eventRow(scope, event, now()));
      for (const row of rows) {
        const key = JSON.stringify([row.executionId, row.sequence]);
        if (!events.has(key)) events.set(key, row);
      }
    },
    async lastSequence(executionId) {
      return eventsOf(executionId).reduce((last, { sequence }) => Math.max(last, sequence), 0);
    },
    async listEvents(executionId) {
      const rows = eventsOf(executionId).toSorted((a, b) => a.sequence - b.sequence);
      return rows.map((row): EvenkeelEvent => JSON.parse(row.body));
    },

    async putRecord(record) {
      const row = recordRow(record, now());
      records.set(row.executionId, row);
    },
    async replaceRecord(record, known) {
      const row = recordRow(record, now());
      if (records.get(row.executionId)?.body !== storedJson(known, "A run record")) return false;
      records.set(row.executionId, row);
      return true;
    },
    async getRecord(executionId) {
      const row = records.get(executionId);
      return row === undefined ? undefined : JSON.parse(row.body);
    },
    async listRecords({ scope, threadId, status, since, before, limit }) {
      const most = checkedLimit(limit);
      const from = since === undefined ? 0 : storedTime(since, 0);
      const until = before === undefined ? undefined : pageEnd(before, now());
      return [...records.values()]
        .filter((row) => scope === undefined || row.scope === scope)
        .filter((row) => threadId === undefined || row.threadId === threadId)
        .filter((row) => status === undefined || row.status === status)
        .filter((row) => row.startedAt >= from)
        .filter((row) => until === undefined || newestFirst(until, row) < 0)
        .toSorted(newestFirst)
        .slice(0, most)
        .map((row): RunRecord => JSON.parse(row.body));
    },

    async putManifest(scope, hash, body) {
      const key = manifestKey(checkedText(scope, "scope"), checkedText(hash, "hash"));
      const kept = manifests.get(key)?.body ?? storedJson(body, "A manifest");
      manifests.set(key, { scope, hash, threadId: null, at: now(), body: kept });
    },
    async getManifest(scope, hash) {
      const row = manifests.get(manifestKey(scope, hash));
      return row === undefined ? undefined : JSON.parse(row.body);
    },

    async appendAudit(entry) {
      const row = auditRow(entry, now());
      if (!audit.has(row.id)) audit.set(row.id, row);
    },
    async listAudit({ executionId, scope, limit }) {
      const most = checkedLimit(limit);
      return [...audit.values()]
        .filter((row) => executionId === undefined || row.executionId === executionId)
        .filter((row) => scope === undefined || row.scope === scope)
        .toSorted((a, b) => b.at - a.at || descending(a.id, b.id))
        .slice(0, most)
        .map((row): AuditEntry => JSON.parse(row.body));
    },

    async forget(subject) {
      const { scope, threadId } = checkedSubject(subject);
      const concerned = (row: Pick<Row, "scope" | "threadId">): boolean =>
        row.scope === scope && (threadId === undefined || row.threadId === threadId);
      return [events, records, manifests, audit].reduce(
        (erased, rows) => erased + erase(rows, concerned),
        effects.forget(concerned) +
          leases.erase(concerned) +
          (threadId === undefined ? forgetBreakers(scope) : 0) +
          (await results.forget(subject)),
      );
    },
    async prune(ages) {
      const before = now() - checkedAge(ages);
      const old = (row: Row): boolean => row.at < before;
      // The events of one execution go together, so that its sequence never begins in the middle.
      const newest = new Map<string, number>();
      for (const { executionId, at } of events.values()) {
        newest.set(executionId, Math.max(newest.get(executionId) ?? at, at));
      }
      const erased =
        (await results.prune(ages)) +
        erase(events, (row) => (newest.get(row.executionId) ?? row.at) < before) +
        erase(records, old) +
        erase(audit, old) +
        effects.prune(before) +
        leases.erase(({ at, until }) => at < before && until < before) +
        pruneBreakers(ages);
      const used = new Set(
        [...records.values()].map(({ scope, manifestHash }) => manifestKey(scope, manifestHash)),
      );
      return (
        erased + erase(manifests, (row) => old(row) && !used.has(manifestKey(row.scope, row.hash)))
      );
    },
  };
}

function eventRow(scope: string, event: EvenkeelEvent, now: number): EventRow {
  const { executionId, sequence, threadId, at } = event;
  const body = storedJson(event, "An event");
  return { scope, executionId, sequence, threadId, at: storedTime(at, now), body };
}

function recordRow(record: RunRecord, now: number): RecordRow {
  const { scope, threadId, status, manifestHash } = record;
  return {
    executionId: checkedText(record.executionId, "executionId of a record"),
    scope,
    threadId,
    status,
    manifestHash,
    startedAt: storedTime(record.startedAt, now),
    at: storedTime(record.endedAt ?? record.startedAt, now),
    body: storedJson(record, "A run record"),
  };
}

type PlaceInList = Pick<RecordRow, "startedAt" | "executionId">;

function pageEnd(
  { startedAt, executionId }: Pick<RunRecord, "startedAt" | "executionId">,
  now: number,
): PlaceInList {
  return { startedAt: storedTime(startedAt, now), executionId };
}

function newestFirst(a: PlaceInList, b: PlaceInList): number {
  return b.startedAt - a.startedAt || descending(a.executionId, b.executionId);
}

function auditRow(entry: AuditEntry, now: number): AuditRow {
  const { scope, threadId, executionId } = entry;
  const id = checkedText(entry.id, "id of an audit entry");
  const body = storedJson(entry, "An audit entry");
  return { id, scope, threadId, executionId, at: storedTime(entry.at, now), body };
}

function manifestKey(scope: string | null, hash: string | null): string {
  return JSON.stringify([scope, hash]);
}

function descending(a: string, b: string): number {
  return a === b ? 0 : a < b ? 1 : -1;
}

function erase<Kept>(rows: Map<string, Kept>, concerned: (row: Kept) => boolean): number {
  const keys = [...rows].filter(([, row]) => concerned(row)).map(([key]) => key);
  for (const key of keys) rows.delete(key);
  return keys.length;
}
