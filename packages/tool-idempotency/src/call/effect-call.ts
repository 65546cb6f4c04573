import { currentEffect, currentNode, uniqueId, withEffect } from "@evenkeel/core";
import type { ClaimRequest, EffectKind, ToolCallRequest, ToolResult } from "@evenkeel/core";

import { codedStore } from "../coded-store.ts";
import { doubtsOf } from "../doubt/doubts.ts";
import { takeTurn } from "../doubt/question-gate.ts";
import { currentConfigurable } from "../identity/current-configurable.ts";
import { identify, publicKey } from "../identity/effect-identity.ts";
import type { EffectIdentity } from "../identity/effect-identity.ts";
import { holdOf } from "../lease/execution-hold.ts";
import type { IdempotencyContext } from "../options.ts";
import { takes } from "../protocol.ts";
import { sleep } from "../sleep.ts";
import { carryOut } from "./carry-out.ts";
import type { Ports } from "./carry-out.ts";
import { awaitDurable } from "./durable-checkpoint.ts";
import type { EffectCall, Handler } from "./effect.ts";
import { observeEffect } from "./observe-effect.ts";
import { commit, perform } from "./perform-effect.ts";
import { recordedResult } from "./recorded-result.ts";
import { refusal } from "./refusal.ts";

/** The effect that is about to happen and has to be recorded; undefined where there is none. */
function effectOf(
  { toolCall: { name }, tool }: ToolCallRequest,
  { options }: IdempotencyContext,
): EffectKind | undefined {
  const declared = Object.hasOwn(options.effects, name) ? options.effects[name] : undefined;
  // A tool that does not exist has no effect; one that is declared may be brought by a hook further in.
  if (tool === undefined && declared === undefined) return undefined;
  const effect = declared ?? options.default;
  return effect === "pure" ? undefined : effect;
}

/** Carries a tool's call from its claim to its settlement; a pure tool's passes as it is. */
export async function callOnce(
  request: ToolCallRequest,
  handler: Handler,
  context: IdempotencyContext,
): Promise<ToolResult> {
  const effect = effectOf(request, context);
  if (effect === undefined) return withEffect(undefined, () => handler(request));
  const { toolCall, runtime } = request;
  const { execution, live } = context;
  const identity = identify(request, live.tools[toolCall.name], context);
  // Two protections around one call, of a graph and of the tool itself, are one.
  const outer = currentEffect();
  if (outer !== undefined && outer.key === publicKey(execution.scope, identity.key)) {
    return handler(request);
  }
  const configurable = currentConfigurable();
  const task = configurable["__pregel_task_id"];
  const node = currentNode() ?? (configurable["__pregel_scratchpad"] as object | undefined) ?? {};
  // Alone in its message, a call has nobody to wait for.
  const turn = takeTurn(identity.alone ? {} : node, identity.index);
  const claim = claimRequest(effect, request, identity, context);
  const call: EffectCall = {
    request,
    handler,
    context,
    identity,
    claim,
    turn,
    task: typeof task === "string" ? task : "",
  };
  try {
    if (context.mode === "observe") return await observeEffect(call);
    await awaitDurable(configurable, holdOf(context)?.durability, {
      tool: toolCall.name,
      middleware: live.name,
      signal: runtime.signal,
    });
    return await atWork(context, carryOut(claim, portsOf(call)));
  } finally {
    turn.over();
  }
}

function claimRequest(
  effect: EffectKind,
  { toolCall }: ToolCallRequest,
  { key, executionId, argsHash, match }: EffectIdentity,
  context: IdempotencyContext,
): ClaimRequest {
  const { options, execution, live } = context;
  return {
    scope: execution.scope,
    key,
    executionId,
    threadId: execution.threadId,
    tool: toolCall.name,
    effect,
    argsHash,
    request: { args: toolCall.args },
    claimId: uniqueId(),
    leaseMs: options.leaseMs,
    fence: holdOf(context)?.lease.token ?? null,
    take: takes(effect, live.tools[toolCall.name]?.reconcile !== undefined),
    decided: null,
    asked: null,
    match,
  };
}

/** Notes that an effect is at work, so that the execution is held until it is over. */
async function atWork(
  context: IdempotencyContext,
  effect: Promise<ToolResult>,
): Promise<ToolResult> {
  const work = holdOf(context)?.work;
  work?.add(effect);
  try {
    return await effect;
  } finally {
    work?.delete(effect);
  }
}

function portsOf(call: EffectCall): Ports<ToolResult> {
  const { request, context, claim, turn } = call;
  const { options, live, emit } = context;
  const { name, id } = request.toolCall;
  const doubts = doubtsOf(call);
  const store = codedStore(live.store, live.name);
  const transacts = claim.effect === "transactional";
  return {
    ledger: {
      claimEffect: async (wanted) => {
        const outcome = await store.claimEffect(wanted);
        const doubtful = outcome.status === "unknown" || outcome.status === "replanned";
        const before = "effect" in outcome && doubts.wasAsked(outcome.effect);
        if (before) await doubts.askAgain(outcome.effect);
        else if (!doubtful) await turn.known();
        return outcome;
      },
      settleEffect: (one, settlement) => store.settleEffect(one, settlement),
    },
    rules: {
      onInFlight: options.onInFlight,
      onUnknown: options.onUnknown,
      onReplan: options.onReplan,
      reconciles: live.tools[name]?.reconcile !== undefined,
    },
    elapsed: () => performance.now(),
    sleep: (ms) => sleep(ms, request.runtime.signal),
    pause: (ms) => sleep(ms),
    perform: (effect, mine) => perform(call, effect, mine),
    ...(transacts ? { commit: (mine, effect) => commit(call, effect, mine) } : {}),
    ...doubts,
    reuse: (effect) => {
      const { tool, key } = effect;
      emit("effect-reused", { callId: id ?? "", detail: { tool, key, since: effect.settledAt } });
      return recordedResult(effect, id, live.name);
    },
    refuse: (why, effect) => refusal(why, { tool: name, middleware: live.name }, effect),
    unrecorded: ({ key }, error) =>
      emit("middleware-warning", {
        severity: "high",
        callId: id ?? "",
        detail: {
          tool: name,
          key,
          what: "The effect happened and could not be recorded: it stands as claimed.",
          error: error instanceof Error ? error.message : typeof error,
        },
      }),
  };
}
