import type { RunCall, RunTurn } from "../run-facts.ts";
import {
  type MessageLike,
  callsOf,
  cutShortBy,
  failedOf,
  textOf,
  tokensOf,
} from "./message-parts.ts";

/** A reply of the model as it came. */
interface GatheredTurn {
  readonly id: string | undefined;
  readonly text: string;
  readonly calls: readonly { id: string; tool: string; arguments: unknown; valid: boolean }[];
  readonly tokens: { readonly input: number; readonly output: number } | undefined;
  readonly cutShort: "length" | "filter" | undefined;
  readonly costUsd: number;
}

/** What a call came to. */
type GatheredAnswer = Pick<RunCall, "result" | "failed" | "known" | "valid">;

/** The replies of one run and the answers to their calls. */
export interface GatheredTurns {
  /** Those that stand, in order. */
  readonly all: readonly GatheredTurn[];
  /** Adds a reply, at its place where that is not the end; one that is there already is not added. */
  add(message: MessageLike, at?: number): void;
  /** Takes an answer from a message, where the call itself did not give one. */
  read(message: MessageLike): void;
  answer(callId: string, answer: GatheredAnswer): void;
  /** Where the reply of a message is; -1 where it is not. */
  indexOf(message: MessageLike): number;
  /** A further attempt begins: what the one before it did from its beginning on does not stand. */
  again(restart: unknown): void;
  /** Leaves out, once an attempt has ended, what earlier ones did and the thread does not hold. */
  settle(held: readonly MessageLike[]): void;
  /** As a record needs them: those that stand, and those of attempts that were begun again. */
  facts(): { turns: RunTurn[]; undone: RunTurn[] };
}

const INVALID = /did not match expected schema|invalid (?:tool )?arguments|ToolInputParsing/i;
const MOST_TURNS = 5_000;

/** True of an error that says the arguments of a call do not fit. */
export function saysInvalid(text: string): boolean {
  return INVALID.test(text);
}

/** Starts with none; `costOf` says what a reply cost in US dollars. */
export function gatheredTurns(costOf: (reply: unknown) => number): GatheredTurns {
  const turns: GatheredTurn[] = [];
  const undone: RunTurn[] = [];
  const answers = new Map<string, GatheredAnswer>();
  const seen = new Set<string>();
  /** How many turns are of attempts that began again in their middle. */
  let tried = 0;

  function forget(from: number, to: number): void {
    const gone = turns.splice(from, to - from);
    undone.push(...gone.slice(0, MOST_TURNS - undone.length).map((turn) => factsOf(turn, answers)));
    // A model that numbers its replies and calls uses the very same ids for those of the next attempt.
    const left = new Set(turns.flatMap(({ calls }) => calls.map(({ id }) => id)));
    for (const { id, calls } of gone) {
      if (id !== undefined) seen.delete(id);
      for (const call of calls) if (!left.has(call.id)) answers.delete(call.id);
    }
  }

  return {
    all: turns,
    add(message, at = turns.length) {
      const { id } = message;
      if ((id !== undefined && seen.has(id)) || turns.length >= MOST_TURNS) return;
      if (id !== undefined) seen.add(id);
      turns.splice(at, 0, {
        id,
        text: textOf(message),
        calls: callsOf(message),
        tokens: tokensOf(message),
        cutShort: cutShortBy(message),
        costUsd: costOf(message),
      });
    },
    read(message) {
      const { tool_call_id: id } = message;
      if (id === undefined || answers.has(id)) return;
      const result = textOf(message);
      const failed = failedOf(message);
      answers.set(id, { result, failed, valid: !(failed && saysInvalid(result.slice(0, 2_000))) });
    },
    answer: (callId, answer) => void answers.set(callId, answer),
    indexOf: (message) => turns.findIndex((turn) => isTurn(turn, message)),
    again(restart) {
      // One that goes on where it stands takes nothing back.
      if (restart === "resume") return;
      if (restart === "last-decision") tried = turns.length;
      else forget(0, turns.length);
    },
    settle(held) {
      if (held.length === 0) return;
      const stands = (turn: GatheredTurn): boolean => held.some((one) => isTurn(turn, one));
      forget(turns.slice(0, tried).findLastIndex(stands) + 1, tried);
      tried = 0;
    },
    facts: () => ({ turns: turns.map((turn) => factsOf(turn, answers)), undone: [...undone] }),
  };
}

function factsOf(
  { text, calls, tokens, cutShort }: GatheredTurn,
  answers: ReadonlyMap<string, GatheredAnswer>,
): RunTurn {
  return {
    text,
    calls: calls.map(({ id, tool, arguments: given, valid }) => ({
      tool,
      arguments: given,
      valid,
      ...answers.get(id),
    })),
    ...(tokens === undefined ? {} : { tokens }),
    ...(cutShort === undefined ? {} : { cutShort }),
  };
}

/** True of the message a turn is in: its own, or one a node made of its words and calls. */
function isTurn({ id, text, calls }: GatheredTurn, message: MessageLike): boolean {
  if (message.type !== "ai") return false;
  if (id !== undefined && id === message.id) return true;
  const others = callsOf(message);
  const alike = text === textOf(message) && calls.length === others.length;
  return alike && calls.every((call, index) => call.id === others[index]?.id);
}
