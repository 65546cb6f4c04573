import type { ChatScriptFunction } from "@evenkeel/testing";

/** What the model answers, and how often it was asked for each execution's last word. */
export function refundScript(): {
  readonly script: ChatScriptFunction;
  readonly finals: ReadonlyMap<string, number>;
} {
  const finals = new Map<string, number>();
  return {
    finals,
    script: ({ messages }) => {
      const thread = String(messages.find(({ role }) => role === "user")?.content);
      if (messages.some(({ role }) => role === "tool")) {
        finals.set(thread, (finals.get(thread) ?? 0) + 1);
        return { content: "All is done." };
      }
      const names = ["refund", "notify", "credit"];
      return { toolCalls: names.map((name) => ({ name, args: { thread } })) };
    },
  };
}
