import { withEffect } from "@evenkeel/core";
import type { ClaimOutcome, Settlement, ToolResult } from "@evenkeel/core";
import { isGraphBubbleUp } from "@langchain/langgraph";

import { publicKey } from "../identity/effect-identity.ts";
import type { EffectCall } from "./effect.ts";
import { lendTransaction } from "./lend-transaction.ts";
import { perform } from "./perform-effect.ts";
import { recordResult } from "./recorded-result.ts";

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
  await live.store.settleEffect(outcome.claim, settlement).catch((error: unknown) => warn(error));
  return deliver();

  /**
   * The tool needs a transaction, and gets one that nobody can take over: the call is made once, so
   * what goes back with a lost record could not be done again.
   */
  async function inTransaction(met: ClaimOutcome | undefined): Promise<ToolResult> {
    const own = met?.status === "claimed" ? met.claim : undefined;
    const key = `observed:${claim.claimId}`;
    const beside = await live.store.claimEffect({ ...claim, key, match: null });
    if (beside.status !== "claimed") return bare();
    const done: { result?: ToolResult } = {};
    const record = async (status: Settlement["status"], result: unknown): Promise<void> => {
      if (own !== undefined)
        await live.store
          .settleEffect(own, { status, result })
          .catch((error: unknown) => warn(error));
    };
    try {
      await live.store.settleInTransaction?.(beside.claim, async (transaction) => {
        const lent = lendTransaction(transaction, live.name);
        done.result = await bare({ transaction: lent.transaction }).finally(lent.end);
        const result = recordResult(done.result, callId);
        // The effect has a record already where it is the first of its kind.
        return { status: own === undefined ? "settled" : "void", result };
      });
    } catch (error) {
      await record("void", null);
      if (done.result === undefined) throw error;
      warn(error, "The tool's transaction did not commit; its answer was delivered.", "high");
      return done.result;
    }
    if (done.result === undefined) return bare();
    await record("settled", recordResult(done.result, callId));
    return done.result;
  }

  function warn(
    error: unknown,
    what = "The ledger did not answer.",
    severity: "medium" | "high" = "medium",
  ): void {
    if (isGraphBubbleUp(error)) throw error;
    emit("middleware-warning", { severity, callId, detail: { what, tool: claim.tool } });
  }
}
