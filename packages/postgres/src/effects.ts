import { storeInput } from "@evenkeel/core";
import type {
  ClaimOutcome,
  ClaimRequest,
  EffectClaim,
  EffectKind,
  EffectLedger,
  EffectRecord,
  EffectStatus,
  Settlement,
} from "@evenkeel/core";

import type { Connection } from "./connection.ts";
import { effectsSql } from "./effects-sql.ts";
import { keyColumn, optionalKeyColumn } from "./key-column.ts";

type Row = Record<string, unknown>;

/** What the body of a row holds: ids as they were, since columns may hold them escaped or hashed. */
type Kept = Pick<EffectRecord, "scope" | "key" | "executionId" | "threadId" | "tool" | "request">;

/** Side effects in the table `effects`, one row each, by the server's clock alone. */
export function effectStore(connection: Connection): EffectLedger {
  const { query, schema, bodies, transaction } = connection;
  const sql = effectsSql(schema);

  async function opened(row: Row): Promise<EffectRecord> {
    const what = `Effect ${String(row["key"])}`;
    const kept = await bodies.open<Kept>(row, what);
    const answer = { body: row["result"], sealed: row["sealed_result"] };
    const settled = answer.body !== null || answer.sealed !== null;
    const { v: result } = settled ? await bodies.open<{ v?: unknown }>(answer, what) : {};
    return recordOf(row, kept, result);
  }

  async function settlementValues(claim: EffectClaim, settlement: Settlement): Promise<unknown[]> {
    const json = storeInput.storedJson({ v: settlement.result }, "The result of an effect");
    const { body, sealed } = await bodies.seal(json);
    return [...keysOf(claim), settlement.status, body, sealed];
  }

  return {
    async claimEffect(request) {
      storeInput.checkedClaim(request);
      const kept = keptOf(request);
      const rows = await query(sql.claim, await claimValues(request, kept, bodies));
      const [first] = rows;
      // A new one is what was sent; only what another call has left must be read.
      if (first?.["found"] === "new") {
        return outcomeOf(first, recordOf(first, parsed(kept), undefined), request);
      }
      if (first?.["found"] === "met") return outcomeOf(first, await opened(first), request);
      if (rows.length === 0) return { status: "fenced" };
      return { status: "replanned", candidates: await Promise.all(rows.map(opened)) };
    },
    async settleEffect(claim, settlement) {
      const [row] = await query(sql.settle, await settlementValues(claim, settlement));
      return row?.["settled"] === true;
    },
    async extendEffects(claims, leaseMs) {
      const [first] = claims;
      if (first === undefined) return [];
      const rows = await query(sql.extend, [
        keyColumn(first.scope),
        claims.map(({ key }) => keyColumn(key)),
        claims.map(({ token }) => token),
        storeInput.checkedLease(leaseMs),
      ]);
      const held = new Set(rows.map((row) => Number(row["token"])));
      return claims.filter(({ token }) => held.has(token));
    },
    async lookupEffect(scope, key) {
      const [row] = await query(sql.lookup, [keyColumn(scope), keyColumn(key)]);
      return row === undefined ? undefined : opened(row);
    },
    async listEffects({ scope, executionId, threadId, status, tool, limit }) {
      const keys = [executionId, threadId, status, tool].map(optionalKeyColumn);
      const most = storeInput.checkedLimit(limit) ?? null;
      const rows = await query(sql.list, [keyColumn(scope), ...keys, most]);
      return Promise.all(rows.map(opened));
    },
    settleInTransaction: (claim, work) =>
      transaction(async (client, inside) => {
        const values = await settlementValues(claim, await work(client));
        const [row] = await inside(sql.settle, values);
        return row?.["settled"] === true;
      }),
  };
}

/** A new effect's body, as it will be read. */
function keptOf({ scope, key, executionId, threadId, tool, request }: ClaimRequest): string {
  const whole: Kept = { scope, key, executionId, threadId, tool, request: request ?? null };
  return storeInput.storedJson(whole, "The request of an effect");
}

function parsed(kept: string): Kept {
  return JSON.parse(kept) as Kept;
}

async function claimValues(
  request: ClaimRequest,
  kept: string,
  bodies: Connection["bodies"],
): Promise<unknown[]> {
  const { match, scope, key, executionId, threadId, tool } = request;
  const { plans, beside } = match?.standing ?? { plans: [], beside: [] };
  const { body, sealed } = await bodies.seal(kept);
  return [
    keyColumn(scope),
    keyColumn(key),
    keyColumn(executionId),
    optionalKeyColumn(threadId),
    keyColumn(tool),
    request.effect,
    keyColumn(request.argsHash),
    keyColumn(match?.plan ?? ""),
    match?.ordinal ?? 0,
    optionalKeyColumn(match?.callId),
    keyColumn(request.claimId),
    request.fence,
    request.leaseMs,
    optionalKeyColumn(request.asked),
    body,
    sealed,
    request.take,
    match?.planned ?? [],
    match?.replan ?? true,
    (match?.answered ?? []).map(keyColumn),
    request.decided,
    plans.map(keyColumn),
    beside.map(({ step }) => keyColumn(step)),
    beside.map(({ task }) => keyColumn(task)),
  ];
}

function keysOf({ scope, key, token }: EffectClaim): unknown[] {
  return [keyColumn(scope), keyColumn(key), token];
}

function outcomeOf(row: Row, effect: EffectRecord, request: ClaimRequest): ClaimOutcome {
  const { scope, key, token, status } = effect;
  const ids = row["call_ids"];
  const met = Array.isArray(ids) && ids.includes(optionalKeyColumn(request.match?.callId));
  if (!met && effect.argsHash !== request.argsHash) return { status: "conflict", effect };
  if (status === "settled" || status === "unknown") return { status, effect };
  if (row["claim_id"] === keyColumn(request.claimId)) {
    return { status: "claimed", claim: { scope, key, token }, effect };
  }
  const remainingMs = Math.max(0, Number(row["remaining"] ?? 0));
  return { status: "in-flight", effect, remainingMs };
}

function recordOf(row: Row, kept: Kept, result: unknown): EffectRecord {
  const text = (column: string): string => String(row[column]);
  return {
    v: 1,
    ...kept,
    effect: text("effect") as EffectKind,
    status: text("status") as EffectStatus,
    argsHash: text("args_hash"),
    plan: text("plan"),
    ordinal: Number(row["ordinal"]),
    token: Number(row["token"]),
    asked: row["asked"] === null ? null : text("asked"),
    result,
    createdAt: momentOf(row["created"]),
    settledAt: row["settled"] === null ? null : momentOf(row["settled"]),
  };
}

function momentOf(milliseconds: unknown): string {
  return new Date(Number(milliseconds)).toISOString();
}
