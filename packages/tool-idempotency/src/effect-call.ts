import { currentNode, uniqueId, withEffect } from "@evenkeel/core";
import type { ClaimRequest, ToolCallRequest, ToolResult } from "@evenkeel/core";

import { carryOut } from "./carry-out.ts";
import type { Ports } from "./carry-out.ts";
import { codedStore } from "./coded-store.ts";
import { doubtsOf } from "./doubts.ts";
import { awaitDurable } from "./durable-checkpoint.ts";
import { currentConfigurable, identify } from "./effect-identity.ts";
import type { EffectCall, Handler } from "./effect.ts";
import { holdOf } from "./execution-hold.ts";
import { observeEffect } from "./observe-effect.ts";
import type { IdempotencyContext } from "./options.ts";
import { commit, perform } from "./perform-effect.ts";
import { takes } from "./protocol.ts";
import type { DeclaredEffect } from "./protocol.ts";
import { takeTurn } from "./question-gate.ts";
import { recordedResult } from "./recorded-result.ts";
import { refusal } from "./refusal.ts";

/** The declared effect of a tool, or the default. */
function effectOf(name: string, { options }: IdempotencyContext): DeclaredEffect {
  const declared = Object.hasOwn(options.effects, name) ? options.effects[name] : undefined;
  return declared ?? options.default;
}

/** Carries a tool's call from its claim to its settlement; a pure tool's passes as it is. */
export async function callOnce(
  request: ToolCallRequest,
  handler: Handler,
  context: IdempotencyContext,
): Promise<ToolResult> {
  const { toolCall } = request;
  const effect = effectOf(toolCall.name, context);
  // A tool that does not exist has no effect either.
  if (effect === "pure" || request.tool === undefined) {
    return withEffect(undefined, () => handler(request));
  }
  const { options, execution, live } = context;
  const tool = live.tools[toolCall.name];
  const identity = identify(request, tool, context);
  const { key, executionId, argsHash, match, index, alone } = identity;
  const claim: ClaimRequest = {
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
    take: takes(effect),
    decided: null,
    asked: null,
    match,
  };
  const configurable = currentConfigurable();
  const task = configurable["__pregel_task_id"];
  // Alone in its message, a call has nobody to wait for.
  const turn = takeTurn(alone ? {} : (currentNode() ?? {}), index);
  const call: EffectCall = {
    request,
    handler,
    context,
    identity,
    claim,
    turn,
    task: typeof task === "string" ? task : "",
  };
  if (context.mode === "observe") return observeEffect(call);
  await awaitDurable(configurable, holdOf(context)?.durability, toolCall.name);
  return atWork(context, carryOut(claim, portsOf(call)));
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
  const store = codedStore(live.store);
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
    perform: (effect, mine) => perform(call, effect, mine),
    ...(transacts ? { commit: (mine, effect) => commit(call, effect, mine) } : {}),
    ...doubts,
    reuse: (effect) => {
      const { tool, key } = effect;
      emit("effect-reused", { callId: id ?? "", detail: { tool, key, since: effect.settledAt } });
      return recordedResult(effect, id);
    },
    refuse: (why, effect) => refusal(why, name, effect),
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

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason as Error);
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
