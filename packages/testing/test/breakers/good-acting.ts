import { EvenkeelError, defineMiddleware } from "@evenkeel/core";
import type { Middleware } from "@evenkeel/core";
import { AIMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";

import type { ActingCapability, StateCapability } from "../../src/conformance/options.ts";

/** Keeps every law and acts: a call that was made so often before is answered in its tool's place. */
export function repeatGuardMiddleware({ allowed = 3 }: { allowed?: number } = {}): Middleware {
  return defineMiddleware({
    name: "repeatGuardMiddleware",
    options: { allowed },
    state: { _repeatGuard: {} },
    async wrapToolCall(request, handler, { options, state, emit }) {
      const { id = "", name, args } = request.toolCall;
      for (const entry of Object.values(state.read("_repeatGuard"))) assertKnown(entry);
      const repeats = earlierCalls(request.state["messages"] as BaseMessage[], id, [name, args]);
      state.write("_repeatGuard", { [id]: { v: 1, repeats } });
      if (repeats < options.allowed) return handler(request);
      emit("loop-detected", { callId: id, detail: { repeats } });
      const content = "You asked this before.";
      return new ToolMessage({ name, tool_call_id: id, status: "error", content });
    },
  });
}

function earlierCalls(messages: readonly BaseMessage[], id: string, call: unknown): number {
  return messages
    .flatMap((message) => (AIMessage.isInstance(message) ? (message.tool_calls ?? []) : []))
    .filter((other) => other.id !== id)
    .filter(({ name, args }) => JSON.stringify([name, args]) === JSON.stringify(call)).length;
}

/** Entries were bare numbers once, and have a version since. */
function assertKnown(entry: unknown): void {
  const { v } = Object(entry) as { v?: unknown };
  if (typeof entry === "number" || v === 1) return;
  throw new EvenkeelError({
    code: "state-version-unsupported",
    message: `Version ${String(v)} of a note came; this release reads 1 and bare numbers.`,
  });
}

const again = (id: string): object => ({
  toolCalls: [{ id, name: "look_up", args: { item: "apples" } }],
});

/** A run in which the guard answers the last two of four equal calls. */
export const repeating: ActingCapability = {
  create: () => repeatGuardMiddleware({ allowed: 2 }),
  input: "Count the apples, and be quite sure.",
  turns: [again("one"), again("two"), again("three"), again("four"), { content: "Twelve." }],
};

/** What the first release left. */
export const olderNotes: StateCapability = {
  channel: "_repeatGuard",
  fixture: { call_before: 2, call_last: { v: 1, repeats: 0 } },
  understood: ({ entries }) => entries["call_before"] === 2,
};
