import type { ExecutionLease, HeldLease } from "./execution-lease.ts";
import { checkedLease, checkedText } from "./store-input.ts";

/** One execution's lease as this process remembers it. */
interface LeaseRow {
  readonly scope: string;
  readonly executionId: string;
  readonly threadId: string | null;
  /** Null where it was given back. */
  owner: string | null;
  token: number;
  /** Epoch milliseconds. */
  until: number;
  /** Epoch milliseconds. */
  at: number;
}

/** Leases in memory, with what the ledger beside them has to know. */
export interface MemoryLeases {
  readonly store: ExecutionLease;
  /** Erases the leases concerned; answers how many went. */
  readonly erase: (concerned: (row: LeaseRow) => boolean) => number;
  /** The next fencing token of the store. */
  readonly nextToken: () => number;
  /** Whether a lease of that token is anyone's; a token that was taken over is nobody's. */
  readonly isCurrent: (scope: string, token: number) => boolean;
  /** Whether a worker holds the execution right now. */
  readonly isLive: (scope: string, executionId: string) => boolean;
}

/** Execution leases in this process's memory. */
export function memoryLeases(now: () => number): MemoryLeases {
  const rows = new Map<string, LeaseRow>();
  let last = 0;
  const nextToken = (): number => (last += 1);
  const keyOf = (scope: string, executionId: string): string =>
    JSON.stringify([scope, executionId]);
  const held = (lease: HeldLease): LeaseRow | undefined => {
    const row = rows.get(keyOf(lease.scope, lease.executionId));
    return row?.token === lease.token ? row : undefined;
  };

  const store: ExecutionLease = {
    async acquireLease({ scope, executionId, threadId, owner, leaseMs, supersedes }) {
      checkedText(executionId, "executionId of a lease");
      checkedText(owner, "owner of a lease");
      const until = now() + checkedLease(leaseMs);
      const ended = supersedes === undefined ? undefined : rows.get(keyOf(scope, supersedes));
      if (ended !== undefined) Object.assign(ended, { owner: null, token: nextToken() });
      const key = keyOf(checkedText(scope, "scope"), executionId);
      const row = rows.get(key);
      const taken = row !== undefined && row.owner !== null && row.owner !== owner;
      if (taken && row.until > now()) {
        return { granted: false, owner: row.owner ?? "", remainingMs: row.until - now() };
      }
      const token = nextToken();
      rows.set(key, { scope, executionId, threadId, owner, token, until, at: now() });
      return { granted: true, lease: { scope, executionId, token } };
    },
    async renewLease(lease, leaseMs) {
      const row = held(lease);
      if (row === undefined || row.owner === null) return false;
      Object.assign(row, { until: now() + checkedLease(leaseMs), at: now() });
      return true;
    },
    async releaseLease(lease) {
      const row = held(lease);
      if (row !== undefined) Object.assign(row, { owner: null, until: now(), at: now() });
      return row !== undefined;
    },
    async holdsLease(lease) {
      return held(lease) !== undefined;
    },
  };
  return {
    store,
    erase: (concerned) => {
      const gone = [...rows].filter(([, row]) => concerned(row));
      for (const [key] of gone) rows.delete(key);
      return gone.length;
    },
    nextToken,
    isCurrent: (scope, token) =>
      [...rows.values()].some((row) => row.scope === scope && row.token === token),
    isLive: (scope, executionId) => {
      const row = rows.get(keyOf(scope, executionId));
      return row !== undefined && row.owner !== null && row.until > now();
    },
  };
}
