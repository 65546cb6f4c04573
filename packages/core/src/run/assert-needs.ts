import { CoreError } from "../errors.ts";
import type { SeamPlan } from "../graph/seam-plan.ts";
import type { StackEntry } from "../graph/stack.ts";
import { entriesOf } from "../state/private-state.ts";

/** Refuses private state of a later release. */
// Once written to, state of a later release would pass for this one's: refuse before anything runs.
export function assertReadable(
  stack: readonly StackEntry[],
  held: (channel: string) => unknown,
): void {
  for (const { definition } of stack) {
    for (const channel of Object.keys(definition?.state ?? {})) {
      entriesOf(held(channel), channel, null);
    }
  }
}

/** Refuses a run that lacks what a middleware of its stack declares under `needs`. */
export function assertNeeds(
  stack: readonly StackEntry[],
  plan: SeamPlan,
  has: { readonly checkpointer: boolean; readonly store: unknown },
): void {
  for (const { name, definition } of stack) {
    const needs = definition?.needs ?? {};
    const refuse = (
      code: "checkpointer-required" | "store-required" | "messages-required",
      message: string,
    ): never => {
      throw new CoreError({ code, middleware: name, message: `${name} ${message}` });
    };
    if (needs.checkpointer === true && !has.checkpointer) {
      refuse(
        "checkpointer-required",
        "needs a checkpointer and a thread_id: compile the graph with one, and run it with configurable: { thread_id }.",
      );
    }
    if (needs.store === true && has.store === undefined) {
      refuse("store-required", "needs a LangGraph store: compile the graph with one.");
    }
    if (needs.messagesKey !== undefined && !plan.userChannels.includes(needs.messagesKey)) {
      refuse(
        "messages-required",
        `needs a message list and the graph has no channel "${needs.messagesKey}"; it has ${plan.userChannels.join(", ")}. Name the right one with \`messagesKey\`.`,
      );
    }
  }
}
