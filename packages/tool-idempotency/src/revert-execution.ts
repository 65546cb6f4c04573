import { uniqueId } from "@evenkeel/core";
import type { AuditStore, EffectLedger, EffectRecord } from "@evenkeel/core";

import { publicKey } from "./effect-identity.ts";
import type { ToolEffectOptions } from "./options.ts";
import { plainResult } from "./recorded-result.ts";

/** Which execution is taken back, by whom, and how. */
export interface RevertOptions {
  readonly store: EffectLedger & Partial<AuditStore>;
  /** As `withMiddleware`'s `scope` makes it. @default the thread, without an authenticated user */
  readonly scope?: string;
  readonly executionId: string;
  readonly threadId: string;
  /** The tools' declarations: those with `revert` can be taken back. */
  readonly tools: Readonly<Record<string, Pick<ToolEffectOptions, "revert"> | string>>;
  readonly actor: string;
  readonly reason: string;
  /** How long a worker that died at it keeps others waiting, in milliseconds. @default 60000 */
  readonly leaseMs?: number;
}

/** What became of one effect. */
export interface Reverted {
  readonly tool: string;
  readonly key: string;
  readonly status:
    | "reverted"
    /** It was taken back before. */
    | "already-reverted"
    /** Its tool declares no `revert`. */
    | "not-revertible"
    /** It is not known whether it happened. */
    | "unknown"
    /** Taking it back threw, or another worker is at it. */
    | "failed";
  readonly error?: string;
}

/**
 * Takes back what an execution did, the last first: runs the `revert` of each tool whose effect is
 * recorded as done. Each is itself recorded, so that it happens once, and leaves an audit row.
 */
export async function revertExecution(options: RevertOptions): Promise<Reverted[]> {
  const { store, executionId, threadId, tools, actor, reason } = options;
  const { scope = JSON.stringify(["", threadId]) } = options;
  const effects = await store.listEffects({ scope, executionId });
  const own = effects.filter(({ key }) => !key.startsWith(REVERT));
  const report: Reverted[] = [];
  for (const effect of own.toReversed()) {
    if (effect.status === "void" || effect.status === "failed") continue;
    const declared = Object.hasOwn(tools, effect.tool) ? tools[effect.tool] : undefined;
    const revert = typeof declared === "object" ? declared.revert : undefined;
    report.push(await revertOne(effect, revert, options));
  }
  await store.appendAudit?.({
    v: 1,
    id: uniqueId(),
    at: new Date().toISOString(),
    act: "revert-execution",
    actor,
    executionId,
    threadId,
    scope,
    reason,
    detail: { effects: report.map(({ tool, key, status }) => ({ tool, key, status })) },
  });
  return report;
}

const REVERT = "revert:";

async function revertOne(
  effect: EffectRecord,
  revert: ToolEffectOptions["revert"],
  { store, leaseMs = 60_000 }: RevertOptions,
): Promise<Reverted> {
  const { tool, key, scope, executionId, threadId, argsHash } = effect;
  if (effect.status !== "settled") return { tool, key, status: "unknown" };
  if (revert === undefined) return { tool, key, status: "not-revertible" };
  const outcome = await store.claimEffect({
    scope,
    executionId,
    threadId,
    tool,
    argsHash,
    leaseMs,
    key: `${REVERT}${key}`,
    effect: "once",
    request: effect.request,
    claimId: uniqueId(),
    fence: null,
    take: "failed",
    decided: null,
    asked: null,
    match: null,
  });
  if (outcome.status === "settled") return { tool, key, status: "already-reverted" };
  if (outcome.status !== "claimed") return { tool, key, status: "failed", error: outcome.status };
  const { args = {} } = effect.request as { args?: Record<string, unknown> };
  try {
    const idempotencyKey = publicKey(scope, `${REVERT}${key}`);
    await revert({ idempotencyKey, args, result: plainResult(effect) });
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    await store.settleEffect(outcome.claim, { status: "unknown", result: { error: words } });
    return { tool, key, status: "failed", error: words };
  }
  await store.settleEffect(outcome.claim, { status: "settled", result: null });
  return { tool, key, status: "reverted" };
}
