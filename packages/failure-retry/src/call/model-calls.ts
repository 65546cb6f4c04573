import { toolName } from "@evenkeel/core";
import type { ModelRequest, ModelResult } from "@evenkeel/core";
import { AIMessage } from "@langchain/core/messages";

import { gateIn, offeredIn } from "../attempt/run-memory.ts";
import { addContext } from "../context/add-context.ts";
import { textOf } from "../context/call-sequence.ts";
import { cutText } from "../context/cut-text.ts";
import type { HeldContext } from "../context/report.ts";
import { CHANNEL } from "../options.ts";
import type { RetryContext } from "../options.ts";
import { ASK, noteRepair, repairNotes } from "./repair.ts";
import type { Complaint } from "./repair.ts";
import { tryAgain } from "./try-again.ts";

type Handler = (request: ModelRequest) => Promise<ModelResult>;

/** `wrapModelCall`: carries the failure context, tries passing trouble again, repairs what cannot be called. */
export async function retryModelCall(
  request: ModelRequest,
  handler: Handler,
  context: RetryContext,
): Promise<ModelResult> {
  if (context.mode === "observe") return handler(request);
  const { options, memory, tokensShown, callSite } = context;
  offeredIn(memory).names = request.tools.flatMap((tool) => toolName(tool) ?? []);
  const gate = options.holdFinal ? gateIn(memory) : undefined;
  const call = {
    kind: "model",
    target: targetOf(request.model),
    callId: callSite,
    signal: request.runtime.signal,
    harmless: () => !tokensShown(),
  } as const satisfies Parameters<typeof tryAgain>[0];
  let next = withContext(request, context);
  for (let nudges = 0; ; nudges += 1) {
    gate?.hold();
    const result = await tryAgain(call, () => handler(next), context);
    if (!AIMessage.isInstance(result)) return result;
    const complaint = silentComplaint(
      result,
      repairNotes(request.messages, context.state.read(CHANNEL)),
    );
    if (complaint === undefined) {
      if ((result.tool_calls?.length ?? 0) > 0) gate?.release();
      return result;
    }
    noteRepair(`${result.id ?? "answer"}:${nudges}`, complaint, context);
    next = withContext(request, context, [complaint.message]);
  }
}

/** The request with what the attempt before failed with, and what is wrong with the last calls, in one message. */
function withContext(
  request: ModelRequest,
  context: RetryContext,
  complaints: readonly string[] = [],
): ModelRequest {
  const { state, execution } = context;
  const entries = state.read(CHANNEL);
  const kept = entries["context"] as HeldContext | undefined;
  const held = kept?.attempt === execution.attempt ? kept : undefined;
  const note = held?.exit === "interrupt" ? askPerson(request, held, context) : "";
  const notes = [...repairNotes(request.messages, entries), ...complaints];
  const texts = [
    ...(held === undefined || held.text === "" ? [] : [held.text]),
    ...(note === "" ? [] : [`A person says: ${note}`]),
    ...(notes.length === 0 ? [] : [...notes, ASK]),
  ];
  const told = texts.length === 0 ? request : addContext(request, texts.join("\n"));
  return held?.exit === "final-answer" ? { ...told, toolChoice: "none" } : told;
}

/** Pauses the run once, before the first model call of the attempt beyond the last. */
function askPerson(
  { runtime }: ModelRequest,
  { attempt, text }: HeldContext,
  { state, live, execution }: RetryContext,
): string {
  const key = `asked:${attempt}`;
  const known = state.read(CHANNEL)[key];
  if (typeof known === "string") return known;
  const answer = runtime.interrupt?.({
    type: "attempts-exhausted",
    by: live.name,
    executionId: execution.id,
    attempt: attempt - 1,
    failure: text,
  });
  const note = answer === undefined || answer === null ? "" : cutText(textOf(answer), 2_000);
  state.write(CHANNEL, { [key]: note });
  return note;
}

/** What keeps an answer from being one: calls nobody can parse, or silence after a complaint. */
function silentComplaint(answer: AIMessage, notes: readonly string[]): Complaint | undefined {
  if ((answer.tool_calls?.length ?? 0) > 0) return undefined;
  const [malformed] = answer.invalid_tool_calls ?? [];
  if (malformed !== undefined) {
    const { name = "a tool", error = "its arguments are no JSON" } = malformed;
    return {
      code: "invalid-arguments",
      message: `The call of "${name}" could not be read: ${cutText(textOf(error), 300)}.`,
      cause: new Error(`malformed call of ${name}`),
    };
  }
  if (answer.text.trim() !== "" || notes.length === 0) return undefined;
  return {
    code: "invalid-arguments",
    message: "The last call was refused, and the answer to that was empty.",
    cause: new Error("an empty answer to a refused call"),
  };
}

function targetOf(model: unknown): string {
  const named = model as { model?: unknown; modelName?: unknown; lc_id?: unknown } | null;
  const name = named?.model ?? named?.modelName;
  return typeof name === "string" ? name : "model";
}
