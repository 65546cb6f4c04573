import { withEffect } from "@evenkeel/core";
import type { ClaimOutcome, ToolResult } from "@evenkeel/core";
import { isGraphBubbleUp } from "@langchain/langgraph";

import { publicKey } from "./effect-identity.ts";
import type { EffectCall } from "./effect.ts";
import { perform } from "./perform-effect.ts";

/**
 * Records an effect beside the call and reports what would have been done about it; the call is made
 * whatever the ledger says, and whatever becomes of the ledger.
 */
export async function observeEffect(call: EffectCall): Promise<ToolResult> {
  const { request, handler, context, claim, turn } = call;
  const { emit, live } = context;
  const callId = request.toolCall.id ?? "";
  await turn.known();
  const bare = (client?: { readonly transaction: unknown }): Promise<ToolResult> =>
    withEffect({ key: publicKey(claim.scope, claim.key), ...client }, () => handler(request));
  let outcome: ClaimOutcome | undefined;
  try {
    outcome = await live.store.claimEffect(claim);
  } catch (error) {
    warn(error);
  }
  const detail = { tool: claim.tool, key: claim.key };
  if (outcome?.status === "settled") emit("effect-reused", { callId, detail });
  if (outcome?.status === "unknown") emit("effect-unknown", { severity: "high", callId, detail });
  if (outcome?.status === "replanned") {
    emit("effect-replanned", { severity: "medium", callId, detail });
  }
  if (outcome?.status === "conflict" || outcome?.status === "in-flight") {
    emit("would-have-acted", { callId, detail: { ...detail, because: outcome.status } });
  }
  if (claim.effect === "transactional") return inTransaction(outcome);
  if (outcome?.status !== "claimed") return bare();
  const { settlement, deliver } = await perform(call, outcome.effect, outcome.claim);
  await live.store.settleEffect(outcome.claim, settlement).catch(warn);
  return deliver();

  /** The tool needs a transaction, which is kept whatever the ledger makes of its record. */
  async function inTransaction(met: ClaimOutcome | undefined): Promise<ToolResult> {
    const own = met?.status === "claimed" ? met.claim : undefined;
    const observed = { ...claim, key: `observed:${claim.claimId}`, match: null };
    const mine = own ?? claimIn(await live.store.claimEffect(observed));
    if (mine === undefined) return bare();
    const done: { result?: ToolResult } = {};
    await live.store.settleInTransaction?.(mine, async (transaction) => {
      done.result = await bare({ transaction });
      return { status: "settled", result: null };
    });
    return done.result ?? bare();
  }

  function claimIn(met: ClaimOutcome): { scope: string; key: string; token: number } | undefined {
    return met.status === "claimed" ? met.claim : undefined;
  }

  function warn(error: unknown): void {
    if (isGraphBubbleUp(error)) throw error;
    emit("middleware-warning", {
      severity: "medium",
      callId,
      detail: { what: "The ledger did not answer.", tool: claim.tool },
    });
  }
}
