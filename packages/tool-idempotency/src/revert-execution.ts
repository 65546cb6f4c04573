import { EvenkeelError, redactText, uniqueId } from "@evenkeel/core";
import type {
  AuditStore,
  EffectLedger,
  EffectRecord,
  ExecutionLease,
  HeldLease,
} from "@evenkeel/core";

import { assertRevertOptions } from "./assert-options.ts";
import { plainResult } from "./call/recorded-result.ts";
import { IdempotencyError } from "./errors.ts";
import { publicKey } from "./identity/effect-identity.ts";
import { heartbeat } from "./lease/heartbeat.ts";
import type { ToolEffectOptions } from "./options.ts";
import { sleep } from "./sleep.ts";

/** Which execution is taken back, by whom, and how. */
export interface RevertOptions {
  readonly store: EffectLedger & ExecutionLease & Partial<AuditStore>;
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
    /** Taking it back threw, or could not be recorded, or another worker is at it. */
    | "failed";
  readonly error?: string;
}

/**
 * Takes back what an execution did, its forks included, the last first: runs the `revert` of each tool
 * whose effect is recorded as done. Nobody carries the execution on meanwhile (`execution-busy`). Each
 * is itself recorded, so that it happens once, and all of it leaves an audit row.
 */
export async function revertExecution(options: RevertOptions): Promise<Reverted[]> {
  assertRevertOptions(options);
  const { store, threadId, executionId, leaseMs = 60_000 } = options;
  const { scope = JSON.stringify(["", threadId]) } = options;
  const owner = uniqueId();
  const outcome = await store.acquireLease({ scope, executionId, threadId, owner, leaseMs });
  if (!outcome.granted) {
    throw new IdempotencyError({
      code: "execution-busy",
      middleware: "toolIdempotencyMiddleware",
      message: `Execution ${executionId} is carried on by a worker, for ${Math.ceil(outcome.remainingMs)} ms more unless it renews. Take it back after that; nothing was taken back here.`,
      details: { executionId, threadId, remainingMs: outcome.remainingMs },
    });
  }
  const { lease } = outcome;
  const stop = heartbeat(leaseMs, async () => void (await store.renewLease(lease, leaseMs)));
  try {
    return await revertAll({ ...options, scope, leaseMs }, lease);
  } finally {
    stop();
    await store.releaseLease(lease).catch(() => false);
  }
}

type Revert = RevertOptions & Required<Pick<RevertOptions, "scope" | "leaseMs">>;

async function revertAll(options: Revert, lease: HeldLease): Promise<Reverted[]> {
  const { store, scope, executionId, threadId, tools, actor, reason } = options;
  const effects = await store.listEffects({ scope, threadId });
  const own = effects.filter(
    (effect) =>
      (effect.executionId === executionId || effect.executionId.startsWith(`${executionId}:`)) &&
      !effect.key.startsWith(REVERT),
  );
  const report: Reverted[] = [];
  for (const effect of own.toReversed()) {
    if (effect.status === "void" || effect.status === "failed") continue;
    const declared = Object.hasOwn(tools, effect.tool) ? tools[effect.tool] : undefined;
    const revert = typeof declared === "object" ? declared.revert : undefined;
    report.push(await revertOne(effect, revert, options, lease));
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
  { store, leaseMs }: Revert,
  lease: HeldLease,
): Promise<Reverted> {
  const { tool, key, scope, executionId, threadId, argsHash } = effect;
  if (effect.status !== "settled") return { tool, key, status: "unknown" };
  if (revert === undefined) return { tool, key, status: "not-revertible" };
  const failed = (error: string): Reverted => ({ tool, key, status: "failed", error });
  const outcome = await store
    .claimEffect({
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
      fence: lease.token,
      take: "failed",
      decided: null,
      asked: null,
      match: null,
    })
    .catch((error: unknown) => failed(wordsOf(error)));
  if (outcome.status === "failed") return outcome;
  if (outcome.status === "settled") return { tool, key, status: "already-reverted" };
  if (outcome.status !== "claimed") return failed(outcome.status);
  const { claim } = outcome;
  const stop = heartbeat(leaseMs, async () => void (await store.extendEffects([claim], leaseMs)));
  const { args = {} } = effect.request as { args?: Record<string, unknown> };
  let words: string | undefined;
  try {
    const idempotencyKey = publicKey(scope, `${REVERT}${key}`);
    await revert({ idempotencyKey, args, result: plainResult(effect) });
  } catch (error) {
    words = wordsOf(error);
  } finally {
    stop();
  }
  const recorded = await settle(
    () =>
      store.settleEffect(
        claim,
        words === undefined
          ? { status: "settled", result: null }
          : { status: "unknown", result: { error: redactText(words) } },
      ),
    tool,
  );
  if (words !== undefined) return failed(words);
  return recorded === undefined ? { tool, key, status: "reverted" } : failed(recorded);
}

const TRIES = 5;

/** Records it; answers why it could not. The others are to be taken back all the same. */
async function settle(record: () => Promise<boolean>, tool: string): Promise<string | undefined> {
  for (let tries = 1; ; tries += 1) {
    try {
      if (await record()) return undefined;
      return `"${tool}" was taken back, and another worker took the record of it.`;
    } catch (error) {
      if (tries < TRIES && EvenkeelError.isInstance(error, "store-unavailable")) {
        await sleep(50 * 2 ** tries);
        continue;
      }
      return `"${tool}" was taken back, and that could not be recorded: ${wordsOf(error)}`;
    }
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
