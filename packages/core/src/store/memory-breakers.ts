import { checkedAge, checkedText, storedJson, storedTime } from "./store-input.ts";
import type { BreakerRecord, BreakerStore } from "./stores.ts";

interface BreakerRow {
  scope: string;
  /** Epoch milliseconds. */
  since: number;
  writtenAt: number;
  /** The trial call is taken until then. */
  probeUntil: number;
  body: string;
}

/** Circuit breakers in this process's memory, with what a store erases of them. */
export function memoryBreakers(now: () => number): BreakerStore & {
  /** Erases those of a scope; returns how many went. */
  readonly forgetBreakers: (scope: string) => number;
  /** Erases those that were last written before an age; returns how many went. */
  readonly pruneBreakers: (ages: { olderThanMs: number }) => number;
} {
  const rows = new Map<string, BreakerRow>();
  const erase = (concerned: (row: BreakerRow) => boolean): number => {
    const keys = [...rows].filter(([, row]) => concerned(row)).map(([key]) => key);
    for (const key of keys) rows.delete(key);
    return keys.length;
  };
  return {
    async listBreakers(scope) {
      return [...rows.values()]
        .filter((row) => row.scope === scope)
        .map((row): BreakerRecord => JSON.parse(row.body));
    },
    async putBreaker(scope, record) {
      const key = rowKey(checkedText(scope, "scope"), checkedText(record.key, "key of a breaker"));
      const since = storedTime(record.since, now());
      const kept = rows.get(key);
      if (kept !== undefined && kept.since > since) return;
      const body = storedJson(record, "A circuit breaker");
      const probeUntil = kept?.since === since ? kept.probeUntil : 0;
      rows.set(key, { scope, since, writtenAt: now(), probeUntil, body });
    },
    async claimProbe(scope, key, forMs) {
      const row = rows.get(rowKey(scope, key));
      if (row === undefined) return true;
      if (row.probeUntil > now()) return false;
      row.probeUntil = now() + checkedAge({ olderThanMs: forMs });
      return true;
    },
    async releaseProbe(scope, key) {
      const row = rows.get(rowKey(scope, key));
      if (row !== undefined) row.probeUntil = 0;
    },
    forgetBreakers: (scope) => erase((row) => row.scope === scope),
    pruneBreakers(ages) {
      const before = now() - checkedAge(ages);
      return erase((row) => row.writtenAt < before);
    },
  };
}

function rowKey(scope: string, key: string): string {
  return JSON.stringify([scope, key]);
}
