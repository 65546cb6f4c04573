import { randomBytes, randomUUID } from "node:crypto";

import type { AuditEntry, ClaimRequest, EvenkeelEvent, RunRecord } from "@evenkeel/core";

/** A name no other test uses, so that cases may share one store. */
export function unique(name: string): string {
  return `${name}-${randomUUID()}`;
}

/** An ISO moment that many milliseconds ago. */
export function ago(ageMs: number): string {
  return new Date(Date.now() - ageMs).toISOString();
}

/** An event as an execution would report it. */
export function sampleEvent(
  executionId: string,
  sequence: number,
  over: Partial<EvenkeelEvent> = {},
): EvenkeelEvent {
  return {
    v: 1,
    name: "execution-started",
    executionId,
    sequence,
    threadId: null,
    attempt: 1,
    node: null,
    callId: null,
    at: ago(0),
    severity: "info",
    mode: "live",
    by: "testStore",
    detail: { sequence },
    ...over,
  };
}

/** A run record as an execution would leave it. */
export function sampleRecord(
  scope: string,
  executionId: string,
  over: Partial<RunRecord> = {},
): RunRecord {
  return {
    v: 1,
    executionId,
    threadId: null,
    scope,
    attempt: 1,
    status: "completed",
    startedAt: ago(1_000),
    endedAt: ago(0),
    manifestHash: null,
    facts: { steps: 3 },
    ...over,
  };
}

/** An audit entry as a privileged act would leave it. */
export function sampleAudit(scope: string, over: Partial<AuditEntry> = {}): AuditEntry {
  return {
    v: 1,
    id: randomUUID(),
    at: ago(0),
    actor: "somebody",
    act: "upgrade-execution",
    executionId: null,
    threadId: null,
    scope,
    reason: "a test",
    detail: { before: "a", after: "b" },
    ...over,
  };
}

/** A claim as a worker would make it, of an effect that is found by its key alone. */
export function sampleClaim(scope: string, over: Partial<ClaimRequest> = {}): ClaimRequest {
  return {
    scope,
    key: "refund:A-1042",
    executionId: "execution",
    threadId: null,
    tool: "refund",
    effect: "once",
    argsHash: "hash",
    request: { args: { order: "A-1042" } },
    claimId: randomUUID(),
    leaseMs: 60_000,
    fence: null,
    take: "failed",
    decided: null,
    asked: null,
    match: null,
    ...over,
  };
}

/** The same row as a later release might write it: another version and a member nobody knows yet. */
export function ofTheFuture<Row extends { v: 1 }>(row: Row): Row {
  const future: Row = JSON.parse(JSON.stringify({ ...row, v: 99, added: { later: [1, null] } }));
  return future;
}

/** Ids as callers may choose them; each differs from every other one. */
export const ODD_IDS: readonly string[] = [
  "",
  " ",
  "a",
  "A",
  "a ",
  "é",
  "e\u0301",
  "'; DROP TABLE events; --",
  '"quoted"',
  "back\\slash",
  "\\x41",
  "\\#0123",
  "per%cent_",
  "line\nbreak\ttab",
  "{a,b}",
  "null",
  "NULL",
  "__proto__",
  "constructor",
  "日本語 🚣",
  "\u202e right to left",
  "x".repeat(1_500),
  `${"x".repeat(1_499)}y`,
  randomBytes(1_125).toString("base64"),
  "🚣".repeat(375),
];

/** Values that a database's own text and JSON types change or refuse. */
export const HOSTILE_VALUES: readonly unknown[] = [
  "\u0000",
  "before\u0000after",
  "\ud800",
  "\udc00 lone",
  "\u2028\u2029\ufeff\uffff",
  "'; DROP TABLE events; --",
  "\\u0000 \\x00 \\",
  "<script>alert(1)</script>",
  "$1 %s :name ${x}",
  1e308,
  5e-324,
  Number.MAX_SAFE_INTEGER,
  0.1 + 0.2,
  null,
  [],
  {},
  { "": "", "\u0000": "\u0000", "\ud800": 1 },
  JSON.parse('{"__proto__":{"polluted":true},"constructor":1}'),
  JSON.parse(`${"[".repeat(1_000)}1${"]".repeat(1_000)}`),
];
