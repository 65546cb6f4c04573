import { toolAnswer } from "@evenkeel/core";
import type { EffectRecord, ToolResult } from "@evenkeel/core";
import { ToolMessage } from "@langchain/core/messages";
import { interrupt, isGraphBubbleUp } from "@langchain/langgraph";

import type { Decision, Ports } from "../call/carry-out.ts";
import type { EffectCall } from "../call/effect.ts";
import { plainResult, recordResult } from "../call/recorded-result.ts";
import { IdempotencyError } from "../errors.ts";
import { currentConfigurable } from "../identity/current-configurable.ts";
import { publicKey } from "../identity/effect-identity.ts";
import type { Reconciled } from "../options.ts";
import { closest, readAnswer, replanQuestion, unknownQuestion } from "./questions.ts";
import type { EffectAnswer, EffectQuestion } from "./questions.ts";

type Doubt = Decision<ToolResult>;

/** How a call in doubt is decided: by who can look it up, by a person, or by the options. */
export interface Doubts extends Pick<
  Ports<ToolResult>,
  "reconcile" | "decide" | "compare" | "conflict"
> {
  /** Whether this task's person was asked about it before, and has answered. */
  readonly wasAsked: (effect: EffectRecord) => boolean;
  /** Asks that again, so that the answers of the task keep their order. */
  readonly askAgain: (effect: EffectRecord) => Promise<void>;
}

/** The doubts of one call. */
export function doubtsOf(call: EffectCall): Doubts {
  const { request, context, claim, task, turn } = call;
  const { options, live, emit } = context;
  const { name, id, args } = request.toolCall;
  const asked = { tool: name, args };
  const callId = id ?? "";

  const ask = async (question: EffectQuestion): Promise<EffectAnswer> => {
    for (;;) {
      const answer = readAnswer(await turn.ask(() => pause(question)));
      if (answer !== undefined) return answer;
    }
  };
  const answer = (code: IdempotencyError["code"], message: string, details: object): ToolResult =>
    toolAnswer({
      toolCall: request.toolCall,
      envelope: {
        v: 1,
        code,
        message,
        retryable: false,
        safeToReplay: false,
        by: live.name,
        details: { tool: name, ...details },
      },
    });
  const canAsk = currentConfigurable()["__pregel_checkpointer"] !== undefined;

  async function decide(effect: EffectRecord): Promise<Doubt> {
    emit("effect-unknown", {
      severity: "high",
      callId,
      detail: { tool: name, key: effect.key, since: effect.createdAt },
    });
    if (options.onUnknown === "message" || !canAsk) {
      await turn.known();
      const message = `It is not known whether an earlier call of "${name}" with these arguments took effect. It was not made again, and must not be until somebody has looked it up.`;
      return { do: "answer", value: answer("effect-unknown", message, { key: effect.key }) };
    }
    if (effect.asked !== task) {
      await live.store.claimEffect({ ...claim, claimId: `asks ${claim.claimId}`, asked: task });
    }
    const { type, message } = await ask(unknownQuestion(asked, effect));
    if (type === "approve") return { do: "run" };
    const words = message ?? `A person decided that this call of "${name}" is not made again.`;
    const refused = new ToolMessage({
      name,
      content: words,
      tool_call_id: callId,
      status: message === undefined ? "error" : "success",
    });
    return { do: "record", settlement: { status: "settled", result: recordResult(refused, id) } };
  }

  async function reconcile(effect: EffectRecord): Promise<Doubt> {
    const outcome = await lookUp(call, effect);
    const repeatable = claim.effect !== "once";
    if (outcome.status === "not-done" || (outcome.status === "unknown" && repeatable)) {
      await turn.known();
      return { do: "run" };
    }
    if (outcome.status === "unknown") return decide(effect);
    await turn.known();
    const { result } = outcome;
    const content = typeof result === "string" ? result : (JSON.stringify(result) ?? "");
    const message = ToolMessage.isInstance(result)
      ? result
      : new ToolMessage({ name, content, tool_call_id: callId, status: "success" });
    return { do: "record", settlement: { status: "settled", result: recordResult(message, id) } };
  }

  async function compare(candidates: readonly EffectRecord[]): Promise<Doubt> {
    const like = closest(args, candidates);
    emit("effect-replanned", {
      severity: "medium",
      callId,
      detail: { tool: name, candidates: candidates.map(({ key }) => key), by: options.onReplan },
    });
    const reuse: Doubt = like === undefined ? { do: "run" } : { do: "reuse", effect: like };
    if (options.onReplan !== "interrupt" || !canAsk) {
      await turn.known();
      if (options.onReplan !== "interrupt")
        return options.onReplan === "run" ? { do: "run" } : reuse;
      const message = `An earlier attempt called "${name}" with other arguments, and took effect. This call may stand for the same, so it was not made.`;
      return { do: "answer", value: answer("effect-replanned", message, {}) };
    }
    const { type, message } = await ask(replanQuestion(asked, candidates));
    if (type === "approve") return { do: "run" };
    if (message === undefined) return reuse;
    const value = new ToolMessage({
      name,
      content: message,
      tool_call_id: callId,
      status: "error",
    });
    return { do: "answer", value };
  }

  return {
    reconcile,
    decide,
    compare,
    conflict: (effect) =>
      answer(
        "effect-conflict",
        `This call of "${name}" carries the key of an earlier one that had other arguments. It was not made. Use the arguments of the earlier call, or say what is different about this one.`,
        { key: effect.key, earlier: (effect.request as { args?: unknown }).args },
      ),
    wasAsked: ({ asked: where, status }) =>
      where !== null && where === task && status !== "unknown" && hasAnswer(),
    askAgain: async (effect) => {
      await turn.ask(() => pause(unknownQuestion(asked, effect)));
    },
  };
}

interface Scratchpad {
  interruptCounter: number;
  resume: unknown[];
  nullResume?: unknown;
}

function scratchpad(): Scratchpad | undefined {
  return currentConfigurable()["__pregel_scratchpad"] as Scratchpad | undefined;
}

/** Whether the next question of this task has its answer already. */
function hasAnswer(): boolean {
  const pad = scratchpad();
  if (pad === undefined) return false;
  return pad.resume.length > pad.interruptCounter + 1 || pad.nullResume !== undefined;
}

// Answers that were given without saying to which question; each is one object for all tasks of a step.
const used = new WeakSet<object>();

/**
 * Asks a person. LangGraph gives an answer that names no question to every task that has one; here it
 * is the first one's alone, since the others would be decided by what was said about another effect.
 */
function pause(question: EffectQuestion): unknown {
  const pad = scratchpad();
  const shared = pad?.nullResume;
  const known = typeof shared === "object" && shared !== null;
  if (pad !== undefined && known && used.has(shared)) pad.nullResume = undefined;
  const answer: unknown = interrupt(question);
  if (known && answer === shared) used.add(shared);
  return answer;
}

async function lookUp({ request, context }: EffectCall, effect: EffectRecord): Promise<Reconciled> {
  const { name } = request.toolCall;
  const idempotencyKey = publicKey(effect.scope, effect.key);
  const { args = {} } = effect.request as { args?: Record<string, unknown> };
  let came: unknown;
  let cause: unknown;
  try {
    const subject = { idempotencyKey, args, result: plainResult(effect) };
    came = await context.live.tools[name]?.reconcile?.(idempotencyKey, subject);
  } catch (error) {
    if (isGraphBubbleUp(error)) throw error;
    cause = error;
  }
  const { status }: { status?: unknown } = typeof came === "object" && came !== null ? came : {};
  if (status === "done" || status === "not-done" || status === "unknown") {
    return came as Reconciled;
  }
  throw new IdempotencyError({
    code: "reconcile-failed",
    middleware: context.live.name,
    message: `The reconcile function of tool "${name}" ${cause === undefined ? "gave no { status }" : "threw"}; "done", "not-done" or "unknown" is due. Nothing was run.`,
    cause,
    details: { tool: name, key: effect.key },
  });
}
