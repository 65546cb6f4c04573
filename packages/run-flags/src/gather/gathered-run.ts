import { classifyFailure, toolName } from "@evenkeel/core";
import type { ModelRequest, ToolCallRequest } from "@evenkeel/core";

import type { RunFacts } from "../run-facts.ts";
import { gatheredTurns, saysInvalid } from "./gathered-turns.ts";
import { type MessageLike, failedOf, textOf } from "./message-parts.ts";

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
    "requests" | "earlierRequests" | "turns" | "undone" | "tokens" | "costUsd" | "offered"
  >;
}

const MOST_REQUESTS = 100;

/** Starts gathering for one run; `costOf` says what a reply cost in US dollars. */
export function gatherRun(costOf: (reply: unknown) => number = () => 0): GatheredRun {
  const turns = gatheredTurns(costOf);
  /** Messages of people that were heard, by id. */
  const heard = new Set<string>();
  /** How many messages a site's requests held when last looked at. */
  const sites = new Map<string, number>();
  const offered = new Set<string>();
  let requests: string[] | undefined;
  let earlierRequests = 0;
  /** What the thread held when the run was resumed, its earlier executions included. */
  const before = new Set<string>();

  return {
    resumed(messages) {
      const held = messages.filter(isMessage);
      for (const { id } of held) if (id !== undefined) before.add(id);
      read(held);
    },
    left(messages) {
      let at = -1;
      for (const message of messages.filter(isMessage)) {
        const known = turns.indexOf(message);
        if (known >= 0) at = known;
        if (known >= 0 || message.id === undefined || before.has(message.id)) continue;
        if (message.type === "tool") turns.read(message);
        if (message.type !== "ai") continue;
        // The place tells which turn was the last: the answer.
        at += 1;
        turns.add(message, at);
      }
    },
    again: (restart) => turns.again(restart),
    settle: (messages) => turns.settle(messages.filter(isMessage)),
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
      if (isMessage(result)) turns.add(result);
    },
    answered({ toolCall, tool }, result) {
      const found = messageFor(result, toolCall.id);
      const text = found === undefined ? "" : textOf(found);
      const failed = found !== undefined && failedOf(found);
      turns.answer(toolCall.id ?? "", {
        result: text,
        failed,
        known: tool !== undefined,
        valid: !(failed && saysInvalid(text.slice(0, 2_000))),
      });
    },
    threw({ toolCall, tool }, error) {
      const { message } = classifyFailure(error);
      turns.answer(toolCall.id ?? "", {
        result: message,
        failed: true,
        known: tool !== undefined,
        valid: !saysInvalid(message),
      });
    },
    stepOf(callId) {
      const step = turns.all.flatMap(({ calls }) => calls).findIndex(({ id }) => id === callId);
      return callId === null || step < 0 ? undefined : step;
    },
    facts() {
      const { turns: stand, undone } = turns.facts();
      const counted = turns.all.flatMap(({ tokens }) => (tokens === undefined ? [] : [tokens]));
      return {
        requests: (requests ?? []).map((text) => ({ text, beforeTurn: 0 })),
        earlierRequests,
        turns: stand,
        ...(undone.length === 0 ? {} : { undone }),
        costUsd: turns.all.reduce((sum, { costUsd }) => sum + costUsd, 0),
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
      if (message.type === "ai") turns.add(message);
      if (message.type === "tool") turns.read(message);
    }
  }

  /** People may be asked in the middle of a run, and answer in a message; its calls were seen. */
  function hear(messages: readonly MessageLike[]): void {
    for (const message of messages.filter(isHuman)) {
      const { id } = message;
      if (requests === undefined || requests.length >= MOST_REQUESTS) return;
      if (id !== undefined && heard.has(id)) continue;
      if (id !== undefined) heard.add(id);
      requests.push(textOf(message));
    }
  }
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
