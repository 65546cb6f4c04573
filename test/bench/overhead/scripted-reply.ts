import type { ChatReply, ChatScriptFunction } from "@evenkeel/testing";

/** What a run's model is to do; the endpoint is told with each request. */
export interface ModelTask {
  /** Tool calls, one a turn, before the final answer. */
  readonly toolCalls: number;
  /** How long the endpoint waits before it answers, in milliseconds. */
  readonly thinkMs: number;
}

/** A task as the `user` field of a request, which nothing else reads. */
export function taskText({ toolCalls, thinkMs }: ModelTask): string {
  return `${toolCalls}:${thinkMs}`;
}

/** Looks up an order a turn, then answers. Ids are as long in the last turn as in the first: sizes are exact. */
export const scriptedReply: ChatScriptFunction = ({ messages, user }): ChatReply => {
  const [toolCalls = 0, delayMs = 0] = String(user).split(":").map(Number);
  const done = messages.filter(({ role }) => role === "tool").length;
  const turn = String(done).padStart(6, "0");
  const usage = { promptTokens: 1_000, completionTokens: 100 };
  if (done >= toolCalls) return { content: "The order is on its way.", usage, delayMs };
  const call = { id: `call-${turn}`, name: "look_up_order", args: { order: turn } };
  return { toolCalls: [call], usage, delayMs };
};
