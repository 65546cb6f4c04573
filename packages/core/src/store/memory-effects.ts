import type {
  ClaimOutcome,
  ClaimRequest,
  EffectClaim,
  EffectLedger,
  EffectMatch,
  EffectRecord,
  EffectStatus,
  Settlement,
} from "./effect-ledger.ts";
import type { MemoryLeases } from "./memory-leases.ts";
import { checkedClaim, checkedLease, checkedLimit, storedJson } from "./store-input.ts";

/** One effect as this process remembers it; bodies are JSON text, as in a database. */
interface EffectRow {
  readonly scope: string;
  readonly key: string;
  readonly executionId: string;
  readonly threadId: string | null;
  readonly tool: string;
  readonly argsHash: string;
  readonly ordinal: number;
  readonly order: number;
  readonly createdAt: number;
  effect: EffectRecord["effect"];
  status: EffectStatus;
  plan: string;
  readonly callIds: Set<string>;
  claimId: string;
  token: number;
  fence: number | null;
  /** Epoch milliseconds. */
  until: number;
  asked: string | null;
  request: string;
  result: string | undefined;
  settledAt: number | null;
}

/** A ledger in memory, and what erases its rows. */
export interface MemoryEffects {
  readonly store: EffectLedger;
  /** Erases the effects concerned; answers how many went. */
  readonly forget: (
    concerned: (row: { scope: string; threadId: string | null }) => boolean,
  ) => number;
  /** Erases what was decided before that moment in executions nobody is at. */
  readonly prune: (before: number) => number;
}

/** Side effects in this process's memory, under the leases beside them. */
export function memoryEffects(now: () => number, leases: MemoryLeases): MemoryEffects {
  const rows = new Map<string, EffectRow>();
  const keyOf = (scope: string, key: string): string => JSON.stringify([scope, key]);
  const fenced = (scope: string, fence: number | null): boolean =>
    fence !== null && !leases.isCurrent(scope, fence);
  // Its own time alone: a worker that lost its execution may be just about to let the effect happen.
  const dead = (row: EffectRow): boolean => row.until <= now();

  function known(request: ClaimRequest): EffectRow | undefined {
    const { scope, key, executionId, tool, argsHash, match } = request;
    const own = rows.get(keyOf(scope, key));
    if (own !== undefined || match === null) return own;
    const others = othersOf(scope, executionId, tool);
    return (
      others.find(({ callIds }) => callIds.has(match.callId)) ??
      others.find(
        (row) => row.argsHash === argsHash && row.ordinal === match.ordinal && isOpen(row, match),
      ) ??
      others.find(
        (row) =>
          row.argsHash === argsHash &&
          (row.status === "failed" || row.status === "unknown") &&
          match.answered.some((callId) => row.callIds.has(callId)),
      )
    );
  }

  function othersOf(scope: string, executionId: string, tool: string): EffectRow[] {
    return [...rows.values()]
      .filter((row) => row.scope === scope && row.executionId === executionId && row.tool === tool)
      .filter(({ callIds }) => callIds.size > 0)
      .toSorted((a, b) => a.order - b.order);
  }

  function candidatesFor({ scope, executionId, tool, match }: ClaimRequest): EffectRow[] {
    if (match === null || match.replan) return [];
    return othersOf(scope, executionId, tool).filter(
      (row) =>
        isOpen(row, match) &&
        row.status !== "void" &&
        !match.planned.includes(`${row.argsHash}#${row.ordinal}`),
    );
  }

  function create(request: ClaimRequest, text: string): EffectRow {
    const { scope, key, executionId, threadId, tool, effect, argsHash, match } = request;
    const row: EffectRow = {
      scope,
      key,
      executionId,
      threadId,
      tool,
      effect,
      argsHash,
      ordinal: match?.ordinal ?? 0,
      order: rows.size === 0 ? 0 : Math.max(...[...rows.values()].map(({ order }) => order)) + 1,
      createdAt: now(),
      status: "void",
      plan: match?.plan ?? "",
      callIds: new Set(),
      claimId: "",
      token: 0,
      fence: null,
      until: 0,
      asked: null,
      request: text,
      result: undefined,
      settledAt: null,
    };
    rows.set(keyOf(scope, key), row);
    return row;
  }

  function take(row: EffectRow, request: ClaimRequest): ClaimOutcome {
    const { claimId, leaseMs, fence, effect } = request;
    row.token = leases.nextToken();
    Object.assign(row, { status: "claimed", claimId, fence, effect, until: now() + leaseMs });
    return { status: "claimed", claim: claimOf(row), effect: recordOf(row) };
  }

  function answer(row: EffectRow, request: ClaimRequest): ClaimOutcome {
    const met = request.match !== null && row.callIds.has(request.match.callId);
    if (!met && row.argsHash !== request.argsHash)
      return { status: "conflict", effect: recordOf(row) };
    row.plan = request.match?.plan ?? row.plan;
    if (request.match !== null) row.callIds.add(request.match.callId);
    row.asked = request.asked ?? row.asked;
    if (row.status === "settled") return { status: "settled", effect: recordOf(row) };
    if (row.status === "claimed" && row.claimId === request.claimId) {
      row.until = now() + request.leaseMs;
      return { status: "claimed", claim: claimOf(row), effect: recordOf(row) };
    }
    if (row.status === "claimed" && !dead(row)) {
      return { status: "in-flight", effect: recordOf(row), remainingMs: row.until - now() };
    }
    if (row.status === "claimed" && request.take === "failed") row.status = "unknown";
    return row.status === "unknown" && request.decided !== row.token
      ? { status: "unknown", effect: recordOf(row) }
      : take(row, request);
  }

  const held = ({ scope, key, token }: EffectClaim): EffectRow | undefined => {
    const row = rows.get(keyOf(scope, key));
    return row?.token === token && !fenced(scope, row.fence) ? row : undefined;
  };
  const settle = (claim: EffectClaim, { status, result }: Settlement): boolean => {
    const text = result === undefined ? undefined : storedJson(result, "The result of an effect");
    const row = held(claim);
    const open = row?.status === "claimed" || row?.status === "unknown" || row?.status === status;
    if (row === undefined || !open) return false;
    Object.assign(row, { status, result: text, settledAt: now() });
    return true;
  };

  const store: EffectLedger = {
    async claimEffect(request) {
      checkedClaim(request);
      const text = storedJson(request.request ?? null, "The request of an effect");
      if (fenced(request.scope, request.fence)) return { status: "fenced" };
      const row = known(request);
      const candidates = row === undefined ? candidatesFor(request) : [];
      if (candidates.length > 0) {
        return { status: "replanned", candidates: candidates.map(recordOf) };
      }
      return answer(row ?? create(request, text), request);
    },
    async settleEffect(claim, settlement) {
      return settle(claim, settlement);
    },
    async extendEffects(claims, leaseMs) {
      const until = now() + checkedLease(leaseMs);
      return claims.filter((claim) => {
        const row = held(claim);
        if (row?.status !== "claimed") return false;
        row.until = until;
        return true;
      });
    },
    async lookupEffect(scope, key) {
      const row = rows.get(keyOf(scope, key));
      return row === undefined ? undefined : recordOf(row);
    },
    async listEffects({ scope, executionId, threadId, status, tool, limit }) {
      const most = checkedLimit(limit);
      return [...rows.values()]
        .filter((row) => row.scope === scope)
        .filter((row) => executionId === undefined || row.executionId === executionId)
        .filter((row) => threadId === undefined || row.threadId === threadId)
        .filter((row) => status === undefined || row.status === status)
        .filter((row) => tool === undefined || row.tool === tool)
        .toSorted((a, b) => a.order - b.order)
        .slice(0, most)
        .map(recordOf);
    },
    // There is nothing to undo in memory: what the work did elsewhere stays done.
    async settleInTransaction(claim, work) {
      if (held(claim) === undefined) return false;
      return settle(claim, await work(undefined));
    },
  };
  const erase = (concerned: (row: EffectRow) => boolean): number => {
    const gone = [...rows].filter(([, row]) => concerned(row));
    for (const [key] of gone) rows.delete(key);
    return gone.length;
  };
  return {
    store,
    forget: erase,
    prune: (before) =>
      erase(
        ({ status, settledAt, createdAt, scope, executionId }) =>
          status !== "claimed" &&
          status !== "unknown" &&
          (settledAt ?? createdAt) < before &&
          !leases.isLive(scope, executionId),
      ),
  };
}

/** Whether an effect is of a plan that this one may stand for. */
function isOpen({ plan }: EffectRow, { plan: own, standing }: EffectMatch): boolean {
  if (plan === own || standing === undefined) return plan !== own;
  const { plans, beside } = standing;
  const isBeside = beside.some(({ step, task }) => plan.startsWith(step) && !plan.startsWith(task));
  return !isBeside && !plans.includes(plan);
}

function claimOf({ scope, key, token }: EffectRow): EffectClaim {
  return { scope, key, token };
}

function recordOf(row: EffectRow): EffectRecord {
  const { scope, key, executionId, threadId, tool, effect, status, argsHash } = row;
  const { plan, ordinal, token, asked, request, result, createdAt, settledAt } = row;
  return {
    v: 1,
    scope,
    key,
    executionId,
    threadId,
    tool,
    effect,
    status,
    argsHash,
    plan,
    ordinal,
    token,
    asked,
    request: JSON.parse(request),
    result: result === undefined ? undefined : JSON.parse(result),
    createdAt: new Date(createdAt).toISOString(),
    settledAt: settledAt === null ? null : new Date(settledAt).toISOString(),
  };
}
