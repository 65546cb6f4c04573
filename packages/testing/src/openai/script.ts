import { EndpointError } from "../endpoint/endpoint-error.ts";
import type { StatusFault } from "../endpoint/http-fault.ts";
import { turnOf } from "../model/conversation-turn.ts";
import type { ChatMessage, ChatRequest } from "./request.ts";

/** A tool call the model makes; without `id` it gets a fresh one. */
export interface ReplyToolCall {
  name: string;
  /** Arguments; a string is sent as it is, valid JSON or not. */
  args: unknown;
  id?: string;
}

/** What goes wrong with one answer of the endpoint. */
export type ChatFault =
  | StatusFault
  /** The 400 that a conversation too long for the model gets. */
  | { kind: "context-length" }
  /** The connection is cut, or hangs: before a byte, or after so many chunks of the answer. */
  | { kind: "reset" | "hang"; afterChunks?: number }
  /** A pause before every chunk, in milliseconds. */
  | { kind: "slow"; chunkDelayMs: number }
  /** An answer that is not JSON. */
  | { kind: "malformed" };

/** Token counts of an answer; what is left out is counted from the texts. */
export interface ReplyUsage {
  promptTokens?: number;
  completionTokens?: number;
  cachedTokens?: number;
  reasoningTokens?: number;
}

/** What the scripted model answers to one request. */
export interface ChatReply {
  content?: string;
  /** A structured answer: the content, or the arguments of the tool that `tool_choice` forces. */
  json?: unknown;
  toolCalls?: readonly ReplyToolCall[];
  usage?: ReplyUsage;
  /** The model's name in the response. @default the requested one, through `aliases` */
  model?: string;
  /** @default "tool_calls" with tool calls, else "stop" */
  finishReason?: string;
  /** Wait before the first byte, in milliseconds. @default 0 */
  delayMs?: number;
  fault?: ChatFault;
}

/** Where a request stands among those the endpoint received. */
export interface ScriptContext {
  /** Position among all requests of this endpoint, from 0. */
  readonly index: number;
  /** How often this endpoint received this very body, this time included. */
  readonly attempt: number;
}

/** Decides the reply from the request; a pure one serves any number of processes and restarts. */
export type ChatScriptFunction = (
  request: ChatRequest,
  context: ScriptContext,
) => ChatReply | Promise<ChatReply>;

/** A reply, or a function that decides it. */
export type ChatTurn = ChatReply | ChatScriptFunction;

/** Turns in the order requests arrive, or one function for all of them. */
export type ChatScript = readonly ChatTurn[] | ChatScriptFunction;

export interface ReplyByTurnOptions {
  /** Which messages begin a new answer. @default those of role "user" */
  isUserTurn?: (message: ChatMessage) => boolean;
}

/**
 * Chooses the turn by the assistant messages since the user last spoke, so that a step asked for
 * again, by a retry or by another process after a crash, gets the same reply.
 */
export function replyByTurn(
  turns: readonly ChatTurn[],
  options: ReplyByTurnOptions = {},
): ChatScriptFunction {
  const { isUserTurn = ({ role }) => role === "user" } = options;
  return (request, context) => {
    const position = turnOf(request.messages, (message) => {
      if (isUserTurn(message)) return "user";
      return message.role === "assistant" ? "assistant" : "other";
    });
    return takeTurn(turns, position, request, context);
  };
}

/** Makes a function of any script; an array is used up in order, faults included. */
export function toScriptFunction(script: ChatScript): ChatScriptFunction {
  if (typeof script === "function") return script;
  if (!Array.isArray(script)) {
    const message = `script is ${typeof script}, allowed are an array of turns and a function`;
    throw new EndpointError("invalid-option", message);
  }
  const turns = script;
  let used = 0;
  return (request, context) => takeTurn(turns, used++, request, context);
}

function takeTurn(
  turns: readonly ChatTurn[],
  position: number,
  request: ChatRequest,
  context: ScriptContext,
): ChatReply | Promise<ChatReply> {
  const turn = turns[position];
  if (turn === undefined) {
    throw new EndpointError(
      "script-exhausted",
      `the script has ${turns.length} turns, turn ${position + 1} was asked for`,
      // 400 is the status no client retries: a script that ended stays ended.
      { status: 400 },
    );
  }
  return typeof turn === "function" ? turn(request, context) : turn;
}
