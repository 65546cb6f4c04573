import { replyByTurn } from "@evenkeel/testing";
import type { ChatReply, ChatRequest, ChatScript, ChatScriptFunction } from "@evenkeel/testing";

import { SCENES } from "./job.ts";
import type { Scene } from "./job.ts";

const calls = (...names: readonly string[]): ChatReply => ({
  toolCalls: names.map((name) => ({ name, args: { order: "A1" } })),
});
const done: ChatReply = { content: "All of order A1 is done." };

/** Reads the kept result by the handle that stands in its place. */
function readLog({ messages }: ChatRequest): ChatReply {
  const handle = /res_[0-9a-z]{20}/.exec(JSON.stringify(messages))?.[0] ?? "none";
  return { toolCalls: [{ name: "read_tool_result", args: { handle, line: 2_000, lines: 3 } }] };
}

/** Answers as it should once it was told why its first answer was rejected. */
function oneMoreTry({ messages }: ChatRequest): ChatReply {
  return messages.at(-1)?.role === "user" ? done : { content: "Not yet." };
}

const TURNS: Record<Scene, readonly (ChatReply | ChatScriptFunction)[]> = {
  "one tool": [calls("notify"), done],
  parallel: [calls("refund", "notify", "credit"), done],
  subgraph: [calls("refund"), done],
  interrupt: [calls("notify", "ask"), done],
  "rejected attempt": [calls("notify"), oneMoreTry],
  "large result": [calls("fetch_log"), readLog, calls("refund"), done],
  "failed tool": [calls("refund"), calls("charge_back"), { content: "I am sorry, it failed." }],
};

/** What the model answers, by the scene its user named and by how far the conversation is. */
export const script: ChatScript = (request, context) => {
  const asked = request.messages.map(({ content }) => String(content));
  const scene = SCENES.find((one) => asked.includes(one));
  if (scene === undefined) throw new Error(`Nobody scripted ${asked.join(" | ")}.`);
  const isUserTurn = ({ content }: { content?: unknown }): boolean => content === scene;
  return replyByTurn(TURNS[scene], { isUserTurn })(request, context);
};
