import { ENVELOPE_KEY, readEnvelope } from "@evenkeel/core";
import { AIMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";

import { shortHash } from "../fingerprint/short-hash.ts";
import { answerText, withoutCallId } from "./answer-text.ts";
import type { ObservedCall, ObservedTurn } from "./turn-digest.ts";

/** A turn as it stands in a message list, under the name it is remembered by. */
export interface FoundTurn {
  /** Names the turn: the reply's id, or place and content where it has none. */
  readonly key: string;
  /** Its name depends on its place, so in a list that was shortened it has another. */
  readonly placed: boolean;
  /** Takes it from the messages: texts of answers are looked at only here. */
  read(): ReadTurn;
}

/** A turn taken from the messages. */
export interface ReadTurn extends ObservedTurn {
  key: string;
}

/** The code of the envelope that answers a blocked call. */
export const BLOCKED = "loop-blocked";

const mostTurns = 64;
const mostMessages = 1_024;
const longestKey = 64;

/** Tells a turn that was read before by its name. */
type KnownTurns = Pick<ReadonlySet<string>, "has">;

/** What a list holds beyond the turns that were read before. */
export interface Unread {
  /** Oldest first. */
  turns: FoundTurn[];
  /** The read turn they follow; undefined where none of those is in the list. */
  met: string | undefined;
}

/**
 * The finished turns of a list that were not read before. Looks from the end back to the first turn
 * that is known, so a step costs its own turn whatever the list's length; where none is known any
 * more, the list was shortened, and is read 64 turns back.
 */
export function unreadTurns(messages: readonly BaseMessage[], known: KnownTurns): Unread {
  return readBack(messages, known, oldestOf(messages));
}

/**
 * The same where nothing of an execution was read yet: what stands before the last human message
 * belongs to the execution before, and the newest turn of it is the one they follow.
 */
export function firstTurns(messages: readonly BaseMessage[]): Unread {
  const human = messages.findLastIndex((message) => HumanMessage.isInstance(message));
  const { turns } = readBack(messages, new Set(), Math.max(human + 1, oldestOf(messages)));
  const before = messages.findLastIndex(
    (message, index) => index < human && AIMessage.isInstance(message),
  );
  const message = messages[before];
  return { turns, met: AIMessage.isInstance(message) ? nameOf(message, before).key : undefined };
}

function oldestOf({ length }: readonly BaseMessage[]): number {
  return Math.max(0, length - mostMessages);
}

function readBack(messages: readonly BaseMessage[], known: KnownTurns, oldest: number): Unread {
  const turns: FoundTurn[] = [];
  let answers = new Map<string, ToolMessage>();
  for (let index = messages.length - 1; index >= oldest; index -= 1) {
    const message = messages[index];
    if (ToolMessage.isInstance(message)) answers.set(message.tool_call_id, message);
    if (!AIMessage.isInstance(message)) continue;
    const name = nameOf(message, index);
    if (known.has(name.key)) return { turns: turns.toReversed(), met: name.key };
    const its = answers;
    answers = new Map();
    // The newest turn waits until all its calls are answered; a call nobody answers waits for the next.
    if (turns.length === 0 && waits(message, its)) continue;
    turns.push({ ...name, read: () => readTurn(name.key, message, its) });
    if (turns.length >= mostTurns) break;
  }
  return { turns: turns.toReversed(), met: undefined };
}

type Answers = ReadonlyMap<string, ToolMessage>;

function waits({ tool_calls: calls = [] }: AIMessage, answers: Answers): boolean {
  return calls.some(({ id }) => id === undefined || !answers.has(id));
}

function readTurn(key: string, message: AIMessage, answers: Answers): ReadTurn {
  const calls = callsOf(message, answers);
  // The words of a reply that calls tools say nothing about a loop.
  return { key, text: calls.length === 0 ? message.text : "", calls };
}

function nameOf(message: AIMessage, index: number): Pick<FoundTurn, "key" | "placed"> {
  const { id, tool_calls: calls } = message;
  const placed = id === undefined;
  const name = placed ? `${index} ${calls?.[0]?.id ?? message.text.slice(0, 2_000)}` : id;
  return { key: name.length > longestKey ? shortHash(name) : name, placed };
}

function callsOf({ tool_calls: calls = [] }: AIMessage, answers: Answers): ObservedCall[] {
  return calls.map(({ id, name, args }) => {
    const answer = id === undefined ? undefined : answers.get(id);
    const call: ObservedCall = { id, tool: name, arguments: args };
    if (answer === undefined) return call;
    const result = withoutCallId(answerText(answer.content), id);
    // Looked for before it is read: parsing what is not there costs more than all the rest.
    const enveloped = Object.hasOwn(answer.additional_kwargs, ENVELOPE_KEY);
    const envelope = enveloped ? readEnvelope(answer) : undefined;
    if (envelope?.code !== BLOCKED) return { ...call, result, failed: answer.status === "error" };
    const { earlier, failed } = envelope.details;
    return {
      ...call,
      result,
      blocked: true,
      failed: failed === true,
      ...(typeof earlier === "string" ? { earlier } : {}),
    };
  });
}
