import { redactText, withEffect } from "@evenkeel/core";
import type {
  ClaimRequest,
  EffectClaim,
  EffectRecord,
  Settlement,
  ToolCallRequest,
  ToolResult,
} from "@evenkeel/core";
import { ToolMessage } from "@langchain/core/messages";
import { isGraphBubbleUp } from "@langchain/langgraph";

import { publicKey } from "../identity/effect-identity.ts";
import { heartbeat } from "../lease/heartbeat.ts";
import { afterFailure } from "../protocol.ts";
import type { Performed } from "./carry-out.ts";
import type { EffectCall } from "./effect.ts";
import { lendTransaction } from "./lend-transaction.ts";
import type { LentTransaction } from "./lend-transaction.ts";
import { neverBegan } from "./never-began.ts";
import { recordResult } from "./recorded-result.ts";
import { refusal } from "./refusal.ts";

/** Lets the tool run under its key, and says how it came out. */
export async function perform(
  { request, handler, context, claim }: EffectCall,
  effect: EffectRecord,
  mine: EffectClaim,
  lent?: LentTransaction,
): Promise<Performed<ToolResult>> {
  const { options, live } = context;
  const { signal } = request.runtime;
  // Not begun where the run ended while the claim was on its way.
  if (signal?.aborted === true) return failed("void", signal.reason);
  const stop = heartbeat(options.leaseMs, async () => {
    await live.store.extendEffects([mine], options.leaseMs);
  });
  const ambient = {
    key: publicKey(effect.scope, effect.key),
    ...(lent === undefined ? {} : { transaction: lent.transaction }),
  };
  try {
    const next = withArguments(request, effect, claim);
    const result = await withEffect(ambient, () => handler(next));
    return { settlement: settlementOf(result, request), deliver: () => result };
  } catch (error) {
    const idle = isGraphBubbleUp(error) || (await neverBegan(error, request));
    return failed(idle ? "void" : afterFailure(claim.effect, true), error);
  } finally {
    stop();
  }
}

/** Lets the tool run in the transaction that records it: what it did is undone where it fails. */
export async function commit(
  call: EffectCall,
  effect: EffectRecord,
  mine: EffectClaim,
): Promise<{ kept: boolean; performed: Performed<ToolResult> }> {
  const { store, name: middleware } = call.context.live;
  const undone: { performed?: Performed<ToolResult> } = {};
  const done: { performed?: Performed<ToolResult> } = {};
  const undo = new Error("undo");
  try {
    const kept = await store.settleInTransaction?.(mine, async (client) => {
      const lent = lendTransaction(client, middleware);
      const performed = await perform(call, effect, mine, lent).finally(lent.end);
      if (performed.settlement.status === "settled") done.performed = performed;
      else undone.performed = performed;
      if (undone.performed !== undefined) throw undo;
      return performed.settlement;
    });
    if (done.performed !== undefined) return { kept: kept === true, performed: done.performed };
  } catch (error) {
    if (error !== undo || undone.performed === undefined) throw error;
  }
  const { performed } = undone;
  if (performed === undefined)
    throw refusal("fenced", { tool: call.claim.tool, middleware }, effect);
  const kept = await store.settleEffect(mine, { ...performed.settlement, status: "void" });
  return { kept, performed };
}

/** A call that took up a recorded one's place is made with that one's arguments, which its key stands for. */
function withArguments(
  request: ToolCallRequest,
  effect: EffectRecord,
  claim: ClaimRequest,
): ToolCallRequest {
  const { args } = effect.request as { args?: Record<string, unknown> };
  if (effect.argsHash === claim.argsHash || args === undefined) return request;
  return { ...request, toolCall: { ...request.toolCall, args } };
}

function failed(status: Settlement["status"], error: unknown): Performed<ToolResult> {
  return {
    settlement: { status, result: { v: 1, error: wordsOf(error) } },
    deliver: () => {
      throw error;
    },
  };
}

function settlementOf(result: ToolResult, { tool, toolCall }: ToolCallRequest): Settlement {
  // Nothing was there that could be done, and may be next time.
  const status = tool === undefined && isErrorMessage(result) ? "void" : "settled";
  try {
    return { status, result: recordResult(result, toolCall.id) };
  } catch (error) {
    // It was done all the same: what cannot be kept of it is said, and the call is not made again.
    const words = `The result could not be recorded: ${wordsOf(error).message}`;
    const message = new ToolMessage({
      name: toolCall.name,
      content: words,
      tool_call_id: toolCall.id ?? "",
    });
    return { status, result: recordResult(message, toolCall.id) };
  }
}

function isErrorMessage(result: ToolResult): boolean {
  return ToolMessage.isInstance(result) && result.status === "error";
}

function wordsOf(error: unknown): { name: string; message: string } {
  return error instanceof Error
    ? { name: error.name, message: redactText(error.message.slice(0, 18_000)).slice(0, 2_000) }
    : { name: typeof error, message: "" };
}
