import { AIMessage, type BaseMessage } from "@langchain/core/messages";

import { EndpointError } from "../endpoint/endpoint-error.ts";
import type { ReplyToolCall, ReplyUsage } from "../openai/script.ts";
import { type Speaker, turnOf } from "./conversation-turn.ts";

/** What a scripted model answers to one call. */
export interface ScriptedReply {
  content?: string;
  /** A structured answer: arguments of the tool where exactly one is bound, else the content. */
  json?: unknown;
  toolCalls?: readonly ReplyToolCall[];
  usage?: ReplyUsage;
  /** @default "tool_calls" with tool calls, else "stop" */
  finishReason?: string;
  /** Wait before the answer, in milliseconds; a call's `signal` ends it. @default 0 */
  delayMs?: number;
  /** Thrown instead of the answer. */
  error?: Error;
  /** How many chunks a stream gives before `error`. @default 0 */
  errorAfterChunks?: number;
}

/** One call of a scripted model, as its turns see it and its record keeps it. */
export interface ScriptedCall {
  /** Position among all calls, from 0. */
  readonly index: number;
  /** How often the model was asked with these very messages, this time included. */
  readonly attempt: number;
  readonly messages: readonly BaseMessage[];
  /** Model name, settings and tools of the call. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** A reply, or a function that decides it. */
export type ScriptedTurn =
  | ScriptedReply
  | ((call: ScriptedCall) => ScriptedReply | Promise<ScriptedReply>);

/** Turns chosen by the conversation, or one function for all calls. */
export type ScriptedTurns = readonly ScriptedTurn[] | Exclude<ScriptedTurn, ScriptedReply>;

/** Decides what a call is answered: by the AI messages since the last human one, or the function. */
export async function decideReply(
  turns: ScriptedTurns,
  call: ScriptedCall,
): Promise<ScriptedReply> {
  if (typeof turns === "function") return turns(call);
  const position = turnOf(call.messages, speakerOf);
  const turn = turns[position];
  if (turn === undefined) {
    const message = `the script has ${turns.length} turns, turn ${position + 1} was asked for`;
    throw new EndpointError("script-exhausted", message);
  }
  return typeof turn === "function" ? turn(call) : turn;
}

function speakerOf(message: BaseMessage): Speaker {
  if (message.type === "human") return "user";
  return message.type === "ai" ? "assistant" : "other";
}

/** The text that tells whether two calls were asked the same. */
export function conversationText(messages: readonly BaseMessage[]): string {
  return JSON.stringify(
    messages.map((message) => [
      message.type,
      message.content,
      AIMessage.isInstance(message) ? message.tool_calls : undefined,
    ]),
  );
}
