import type { BaseMessage } from "@langchain/core/messages";

import type { LoopFinding } from "../detectors/finding.ts";
import { type LoopState, emptyLoopState } from "../detectors/loop-state.ts";
import { LoopDetectionError } from "../errors.ts";
import { wordHash } from "../fingerprint/word-hash.ts";
import type { LadderAction } from "../ladder/ladder.ts";
import type { LoopContext } from "../options.ts";
import { type FoundTurn, firstTurns, unreadTurns } from "../turns/unread-turns.ts";

/** The private channel: one entry a call site and place. */
export const CHANNEL = "_loopDetection";

/** An answer that a blocked call gets again. */
export interface EarlierAnswer {
  /** The call that got it, by which its message is found; null where the id is too long to keep. */
  callId: string | null;
  /** Its hash, by which the next turn knows it again. */
  answer: string;
  failed: boolean;
  /** Its first 1,000 characters, for a list that no longer holds the message. */
  text: string;
}

/** What is remembered of one conversation of a model with its tools: plain JSON of at most about 10 KB. */
export interface Conversation {
  v: 1;
  /** Hash of the graph instance that holds the conversation. */
  place: string;
  /** The turns read last, newest last, at most 8. */
  seen: readonly string[];
  /** Tool calls read so far. */
  calls: number;
  loop: LoopState;
  /** The rung the run stands on since the newest read turn, and what led there. */
  action: LadderAction;
  finding: LoopFinding | null;
  /** Calls that are answered instead of made, by loose fingerprint, with the answer they had. */
  blocked: Readonly<Record<string, EarlierAnswer>>;
  /** Calls of the newest reply that are among them: exact and loose fingerprint, by hash of the call's id. */
  pending: Readonly<Record<string, readonly [exact: string, loose: string]>>;
}

/** Where in a run a model is called. */
export interface Standpoint {
  /** Prefix of the entries of this middleware and call site. */
  site: string;
  /** Hash of the graph instance. */
  place: string;
  /** Checkpoint namespace, which names the task. */
  task: string;
  /** The checkpoint the step runs from, as far as LangGraph says. */
  step: string | undefined;
  attempt: number;
}

/** A conversation as a model call finds it. */
export interface OpenConversation {
  from: Standpoint;
  /** Its entry in the private channel. */
  key: string;
  /** As it was saved last; undefined where nothing of it is. */
  saved: Conversation | undefined;
  known: Conversation;
  /** Names of turns that are part of what is known and not of what is saved. */
  ahead: readonly string[];
  /** Turns that were not read yet, oldest first. */
  unread: FoundTurn[];
  /** The read turn they follow; undefined where none of those is in the list. */
  met: string | undefined;
  /** False where the list does not end in the turn that was read last: what it led to is void. */
  stands: boolean;
  /** All that was read since the save could be read from the list again. */
  intact: boolean;
}

/** Stands for the last turn of a conversation that has none. */
const START = "start";

/** Turns a conversation is recognised by. */
const mostSeen = 8;

/** Parallel instances of one subgraph that are told apart. */
const slots = 8;

/**
 * Finds the conversation a model call belongs to. It is known by the turns both have: an execution
 * may hold several (subagents, parallel branches), one may move on from one graph instance to the
 * next, and a summary may have replaced all but its newest turns.
 */
export function openConversation(
  context: LoopContext,
  messages: readonly BaseMessage[],
  configurable: Readonly<Record<string, unknown>> = {},
): OpenConversation {
  const from = standpointOf(context, configurable);
  const { site, place } = from;
  const key = `${site}${wordHash(place) % slots}`;
  const kept = conversationsOf(context, site);
  const { turns, met } = unreadTurns(messages, {
    has: (turn) => kept.some(({ seen }) => seen.includes(turn)),
  });
  const saved =
    newestOf(kept, ({ seen }) => met !== undefined && seen.includes(met)) ??
    newestOf(kept, (entry) => entry.place === place);
  const found = { from, key, saved, ahead: [], met };
  if (saved === undefined) {
    const first = firstTurns(messages);
    const known = freshConversation(place, [first.met ?? START]);
    const stands = first.turns.length > 0;
    return { ...found, known, unread: first.turns, met: first.met, stands, intact: true };
  }
  const newest = saved.seen.at(-1);
  const known = saved.place === place ? saved : { ...saved, place };
  if (met !== undefined) {
    const stands = turns.length > 0 || newest === met;
    return { ...found, known, unread: turns, stands, intact: newest === met };
  }
  // Saved before its first turn: whatever the list holds came after.
  const begun = newest !== START;
  // A list without ids that was shortened gives every turn another name: only the newest is surely new.
  const unread = begun && turns.some(({ placed }) => placed) ? turns.slice(-1) : turns;
  return { ...found, known, unread, stands: turns.length > 0, intact: !begun };
}

function standpointOf(
  context: LoopContext,
  { checkpoint_ns: namespace, checkpoint_map: checkpoints }: Readonly<Record<string, unknown>>,
): Standpoint {
  const task = typeof namespace === "string" ? namespace : "";
  const graph = task.slice(0, Math.max(0, task.lastIndexOf("|")));
  const step: unknown = (checkpoints as Record<string, unknown> | null | undefined)?.[graph];
  return {
    site: `${prefixOf(context)}${context.callSite ?? context.node ?? ""}~`,
    place: graph === "" ? "" : wordHash(graph).toString(36),
    task,
    step: typeof step === "string" ? step : undefined,
    attempt: context.execution.attempt,
  };
}

function newestOf(
  kept: readonly Conversation[],
  fits: (entry: Conversation) => boolean,
): Conversation | undefined {
  let newest: Conversation | undefined;
  for (const entry of kept) {
    if (fits(entry) && (newest === undefined || entry.loop.turn > newest.loop.turn)) newest = entry;
  }
  return newest;
}

/** The conversations of the execution that this middleware reads, at one call site or at all of them. */
export function conversationsOf(
  context: LoopContext,
  site: string = prefixOf(context),
): Conversation[] {
  const found: Conversation[] = [];
  for (const [key, value] of Object.entries(context.state.read(CHANNEL))) {
    if (key.startsWith(site)) found.push(readable(value as Conversation, context));
  }
  return found;
}

function readable(entry: Conversation, { live: { name } }: LoopContext): Conversation {
  if (entry.v === 1) return entry;
  throw new LoopDetectionError({
    code: "state-version-unsupported",
    middleware: name,
    message: `${name}: this thread holds state of version ${JSON.stringify(entry.v)}; this release reads version 1. Resume it with the release that wrote it, or a later one.`,
    details: { came: entry.v, allowed: [1] },
  });
}

/** Two of a stack, under names of their own, count each for itself. */
function prefixOf({ live: { name } }: LoopContext): string {
  return `${name}:`;
}

/** A conversation's turns with newly read ones. */
export function withSeen(seen: readonly string[], turns: readonly FoundTurn[]): string[] {
  return [...seen, ...turns.map(({ key }) => key)].slice(-mostSeen);
}

function freshConversation(place: string, seen: readonly string[]): Conversation {
  return {
    v: 1,
    place,
    seen,
    calls: 0,
    loop: emptyLoopState,
    action: "none",
    finding: null,
    blocked: {},
    pending: {},
  };
}
