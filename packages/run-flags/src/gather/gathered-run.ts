import { classifyFailure, toolName } from "@evenkeel/core";
import type { ModelRequest, ToolCallRequest } from "@evenkeel/core";

import type { RunCall, RunFacts, RunTurn } from "../run-facts.ts";
import {
  type MessageLike,
  callsOf,
  cutShortBy,
  failedOf,
  textOf,
  tokensOf,
} from "./message-parts.ts";

interface GatheredTurn {
  id: string | undefined;
  text: string;
  calls: { id: string; tool: string; arguments: unknown; valid: boolean }[];
  tokens: { input: number; output: number } | undefined;
  cutShort: "length" | "filter" | undefined;
  costUsd: number;
}

type GatheredAnswer = Pick<RunCall, "result" | "failed" | "known" | "valid">;

/** What the calls of one run came to, in this process and in the messages of earlier ones. */
export interface GatheredRun {
  /** Reads what an earlier process made of the execution, as the thread holds it. */
  resumed(messages: readonly unknown[]): void;
  /** Reads, once a resumed run has ended, what an earlier process had made that no checkpoint held yet. */
  left(messages: readonly unknown[]): void;
  /** A further attempt begins: what the one before it did from its beginning on does not stand. */
  again(restart: unknown): void;
  /** Leaves out, once an attempt has ended, what earlier ones did and the thread does not hold. */
  settle(messages: readonly unknown[]): void;
  /** Tools that an earlier process could offer: the end of a run may call no model any more. */
  offeredBefore(names: readonly string[]): void;
  /** Reads what a model is asked with: the request, and turns the thread does not hold as messages. */
  asked(request: ModelRequest, site: string): void;
  replied(result: unknown): void;
  answered(request: ToolCallRequest, result: unknown): void;
  threw(request: ToolCallRequest, error: unknown): void;
  /** Index of a call among the run's calls, from 0. */
  stepOf(callId: string | null): number | undefined;
  facts(): Pick<
    RunFacts,
    "requests" | "earlierRequests" | "turns" | "tokens" | "costUsd" | "offered"
  >;
}

const INVALID = /did not match expected schema|invalid (?:tool )?arguments|ToolInputParsing/i;
const MOST_TURNS = 5_000;
const MOST_REQUESTS = 100;

/** Starts gathering for one run; `costOf` says what a reply cost in US dollars. */
export function gatherRun(costOf: (reply: unknown) => number = () => 0): GatheredRun {
  const turns: GatheredTurn[] = [];
  const answers = new Map<string, GatheredAnswer>();
  const seen = new Set<string>();
  /** How many messages a site's requests held when last looked at. */
  const sites = new Map<string, number>();
  const offered = new Set<string>();
  let requests: string[] | undefined;
  let earlierRequests = 0;
  /** How many turns are of attempts that began again in their middle. */
  let tried = 0;

  /** What the thread held when the run was resumed, its earlier executions included. */
  const before = new Set<string>();

  const addTurn = (message: MessageLike, at = turns.length): void => {
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
  };
  const addAnswer = (message: MessageLike): void => {
    const { tool_call_id: id } = message;
    if (id === undefined || answers.has(id)) return;
    const result = textOf(message);
    const failed = failedOf(message);
    answers.set(id, { result, failed, valid: !(failed && INVALID.test(result.slice(0, 2_000))) });
  };

  return {
    resumed(messages) {
      const held = messages.filter(isMessage);
      for (const { id } of held) if (id !== undefined) before.add(id);
      read(held);
    },
    left(messages) {
      let at = -1;
      for (const message of messages.filter(isMessage)) {
        const known = turns.findIndex((turn) => isTurn(turn, message));
        if (known >= 0) at = known;
        if (known >= 0 || message.id === undefined || before.has(message.id)) continue;
        if (message.type === "tool") addAnswer(message);
        if (message.type !== "ai") continue;
        // The place tells which turn was the last: the answer.
        at += 1;
        addTurn(message, at);
      }
    },
    again(restart) {
      // One that goes on where it stands takes nothing back.
      if (restart === "resume") return;
      if (restart === "last-decision") tried = turns.length;
      else forget(0, turns.length);
    },
    settle(messages) {
      const held = messages.filter(isMessage);
      if (held.length === 0) return;
      const stands = (turn: GatheredTurn): boolean => held.some((one) => isTurn(turn, one));
      forget(turns.slice(0, tried).findLastIndex(stands) + 1, tried);
      tried = 0;
    },
    offeredBefore(names) {
      if (offered.size === 0) for (const name of names) offered.add(name);
    },
    asked({ messages, tools }, site) {
      for (const tool of tools) offered.add(toolName(tool) ?? "unnamed");
      const looked = sites.get(site);
      sites.set(site, messages.length);
      if (looked === undefined) read(messages);
      else hear(messages.slice(looked));
    },
    replied(result) {
      if (isMessage(result)) addTurn(result);
    },
    answered({ toolCall, tool }, result) {
      const found = messageFor(result, toolCall.id);
      const text = found === undefined ? "" : textOf(found);
      const failed = found !== undefined && failedOf(found);
      answers.set(toolCall.id ?? "", {
        result: text,
        failed,
        known: tool !== undefined,
        valid: !(failed && INVALID.test(text.slice(0, 2_000))),
      });
    },
    threw({ toolCall, tool }, error) {
      const { message } = classifyFailure(error);
      answers.set(toolCall.id ?? "", {
        result: message,
        failed: true,
        known: tool !== undefined,
        valid: !INVALID.test(message),
      });
    },
    stepOf(callId) {
      const step = turns.flatMap(({ calls }) => calls).findIndex(({ id }) => id === callId);
      return callId === null || step < 0 ? undefined : step;
    },
    facts() {
      const counted = turns.flatMap(({ tokens }) => (tokens === undefined ? [] : [tokens]));
      return {
        requests: (requests ?? []).map((text) => ({ text, beforeTurn: 0 })),
        earlierRequests,
        turns: turns.map(({ text, calls, tokens, cutShort }): RunTurn => ({
          text,
          calls: calls.map(({ id, tool, arguments: given, valid }) => ({
            tool,
            arguments: given,
            valid,
            ...answers.get(id),
          })),
          ...(tokens === undefined ? {} : { tokens }),
          ...(cutShort === undefined ? {} : { cutShort }),
        })),
        costUsd: turns.reduce((sum, { costUsd }) => sum + costUsd, 0),
        ...(offered.size === 0 ? {} : { offered: [...offered] }),
        ...(counted.length === 0
          ? {}
          : {
              tokens: {
                input: counted.reduce((sum, { input }) => sum + input, 0),
                output: counted.reduce((sum, { output }) => sum + output, 0),
              },
            }),
      };
    },
  };

  /** A model that numbers its replies and calls uses the very same ids for those of the next attempt. */
  function forget(from: number, to: number): void {
    const gone = turns.splice(from, to - from);
    const left = new Set(turns.flatMap(({ calls }) => calls.map(({ id }) => id)));
    for (const { id, calls } of gone) {
      if (id !== undefined) seen.delete(id);
      for (const call of calls) if (!left.has(call.id)) answers.delete(call.id);
    }
  }

  function read(messages: readonly MessageLike[]): void {
    const last = messages.findLastIndex(isHuman);
    const human = messages[last];
    if (human === undefined) return;
    if (requests === undefined) {
      requests = [textOf(human)];
      earlierRequests = messages.slice(0, last).filter(isHuman).length;
    }
    // After the last input there are only turns of this execution, an earlier process's perhaps.
    for (const message of messages.slice(last + 1)) {
      if (message.type === "ai") addTurn(message);
      if (message.type === "tool") addAnswer(message);
    }
  }

  /** People may be asked in the middle of a run, and answer in a message; its calls were seen. */
  function hear(messages: readonly MessageLike[]): void {
    for (const message of messages.filter(isHuman)) {
      const { id } = message;
      if (requests === undefined || requests.length >= MOST_REQUESTS) return;
      if (id !== undefined && seen.has(id)) continue;
      if (id !== undefined) seen.add(id);
      requests.push(textOf(message));
    }
  }
}

/** True of the message a turn is in: its own, or one a node made of its words and calls. */
function isTurn({ id, text, calls }: GatheredTurn, message: MessageLike): boolean {
  if (message.type !== "ai") return false;
  if (id !== undefined && id === message.id) return true;
  const others = callsOf(message);
  const alike = text === textOf(message) && calls.length === others.length;
  return alike && calls.every((call, index) => call.id === others[index]?.id);
}

function isHuman({ type }: MessageLike): boolean {
  return type === "human";
}

function isMessage(result: unknown): result is MessageLike {
  return typeof result === "object" && result !== null && "content" in result;
}

/** The answer to a call among what a tool returned: a message, or a Command that updates with one. */
function messageFor(result: unknown, id: string | undefined): MessageLike | undefined {
  if (isMessage(result)) return result;
  const update = (result as { update?: { messages?: unknown } } | null | undefined)?.update;
  const messages = Array.isArray(update?.messages) ? (update.messages as MessageLike[]) : [];
  return messages.find(({ tool_call_id: answered }) => answered === id);
}
