import type { EvenkeelEvent } from "../event/event.ts";
import type { EffectLedger } from "./effect-ledger.ts";
import type { ExecutionLease } from "./execution-lease.ts";
import type { ResultStore } from "./result-store.ts";

/** What a run came to, written once it ended, paused or was found dead. */
export interface RunRecord {
  v: 1;
  executionId: string;
  threadId: string | null;
  scope: string;
  attempt: number;
  status: "running" | "completed" | "interrupted" | "failed" | "superseded";
  /** ISO 8601, UTC. */
  startedAt: string;
  /** ISO 8601, UTC; null while it runs. */
  endedAt: string | null;
  manifestHash: string | null;
  /** Further JSON facts, by the middleware that gathered them. */
  facts: Readonly<Record<string, unknown>>;
}

/** A privileged act: who did what to what, and why. */
export interface AuditEntry {
  v: 1;
  /** UUID, time-ordered. */
  id: string;
  /** ISO 8601, UTC. */
  at: string;
  actor: string;
  act: string;
  executionId: string | null;
  threadId: string | null;
  scope: string | null;
  reason: string;
  detail: Readonly<Record<string, unknown>>;
}

/** What is to be erased or looked up: one thread inside a scope, or a whole scope. */
export type Subject = { scope: string; threadId?: string };

/** Where the events of executions are kept, in order and without gaps. */
export interface EventStore {
  /** Appends events; one whose (executionId, sequence) is there already is left as it stands. */
  appendEvents(scope: string, events: readonly EvenkeelEvent[]): Promise<void>;
  /** The highest sequence kept for an execution, 0 where there is none. */
  lastSequence(executionId: string): Promise<number>;
  /** The events of one execution by ascending sequence. */
  listEvents(executionId: string): Promise<EvenkeelEvent[]>;
}

/** Where run records are kept, one per execution. */
export interface RecordStore {
  /** Writes or replaces the record of its execution. */
  putRecord(record: RunRecord): Promise<void>;
  /**
   * Replaces `known`, a record this store took or gave, where it still holds exactly that one; false
   * where it does not, or cannot tell. One round trip, and no change of anybody else's is lost. A
   * store without it is read before each write.
   */
  replaceRecord?(record: RunRecord, known: RunRecord): Promise<boolean>;
  getRecord(executionId: string): Promise<RunRecord | undefined>;
  /** Newest first. */
  listRecords(query: {
    scope?: string;
    threadId?: string;
    status?: RunRecord["status"];
    /** Only those that began then or later; ISO 8601. */
    since?: string;
    /** Only those that come after this one in the list: the last record of a page gives the next. */
    before?: Pick<RunRecord, "startedAt" | "executionId">;
    limit?: number;
  }): Promise<RunRecord[]>;
}

/** Where manifest bodies are kept, by hash, inside a scope. */
export interface ManifestStore {
  /** Keeps a manifest body under its SHA-256; writing the same hash again changes nothing. */
  putManifest(scope: string, hash: string, body: unknown): Promise<void>;
  getManifest(scope: string, hash: string): Promise<unknown>;
}

/** Where privileged acts leave their row. */
export interface AuditStore {
  appendAudit(entry: AuditEntry): Promise<void>;
  listAudit(query: { executionId?: string; scope?: string; limit?: number }): Promise<AuditEntry[]>;
}

/** A circuit breaker as it is kept between processes. */
export interface BreakerRecord {
  v: 1;
  /** What it guards, inside its scope: a tool and a class of failure, or a model. */
  key: string;
  status: "closed" | "open";
  /** Since when it has been so; ISO 8601, UTC. */
  since: string;
  /** Its window and its waits, as the breaker itself writes them. */
  state: Readonly<Record<string, unknown>>;
}

/** Where circuit breakers are kept, so that a restart closes none and all processes see one state. */
export interface BreakerStore {
  /** Every breaker of a scope, in no order. */
  listBreakers(scope: string): Promise<BreakerRecord[]>;
  /** Writes or replaces the record under its key; one whose `since` is earlier than the kept one's is dropped. */
  putBreaker(scope: string, record: BreakerRecord): Promise<void>;
  /**
   * Takes the one trial call of an open breaker: true for one caller until `forMs` milliseconds have
   * passed, it was released, or the breaker is put with a later `since`; and where none is kept.
   */
  claimProbe(scope: string, key: string, forMs: number): Promise<boolean>;
  /** Gives a trial call back that proved nothing. */
  releaseProbe(scope: string, key: string): Promise<void>;
}

/** Erasing and retention, which every durable store of Evenkeel offers. */
export interface Retention {
  /** Erases everything kept for a thread or a scope; returns how many rows went. */
  forget(subject: Subject): Promise<number>;
  /** Erases what is older than `olderThanMs` milliseconds; returns how many rows went. */
  prune(options: { olderThanMs: number }): Promise<number>;
}

/** One object that is every store core knows; `evenkeelPostgres(pool)` and `memoryStore()` are such. */
export interface EvenkeelStore
  extends
    EventStore,
    RecordStore,
    ManifestStore,
    AuditStore,
    EffectLedger,
    ExecutionLease,
    ResultStore,
    BreakerStore,
    Retention {}

/** Encrypts what a store writes and decrypts what it reads. */
export interface StoreCodec {
  encrypt(plain: Uint8Array): Promise<Uint8Array> | Uint8Array;
  decrypt(cipher: Uint8Array): Promise<Uint8Array> | Uint8Array;
}
