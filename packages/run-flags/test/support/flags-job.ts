import { replyByTurn } from "@evenkeel/testing";
import type { ChatScript } from "@evenkeel/testing";

/** What one process of an agent is to do. */
export interface FlagsJob {
  readonly thread: string;
  readonly modelUrl: string;
  readonly databaseUrl: string;
  /** Schema of the checkpoints. */
  readonly schema: string;
  /** A text starts; null resumes; an answer goes to who asked. */
  readonly input: string | null | { readonly answer: string };
  /** Whether the process waits for its reviews. */
  readonly flush: boolean;
  /** The gateway refuses. */
  readonly broken?: boolean;
}

/** Points at which a process may die. */
export type FlagsPoint = "model" | "tool" | "feedback" | "queue";

/** A request whose refund the gateway takes, one it refuses, one that asks a person first. */
export const REQUESTS = {
  good: "Please refund order A-1001.",
  bad: "Please charge order A-1001 back.",
  asking: "Please approve and refund order A-1001.",
};

const lookUp = { toolCalls: [{ name: "get_order", args: { id: "A-1001" } }] };
const refund = { toolCalls: [{ name: "refund", args: { id: "A-1001", amount: 40 } }] };
const approve = { toolCalls: [{ name: "approve", args: {} }] };
const chargeBack = { toolCalls: [{ name: "charge_back", args: {} }] };
const done = { content: "Order A-1001 was refunded: 40 EUR go back to anna@example.com." };
const sorry = { content: "I'm sorry, I could not charge the order back." };

const scripts: readonly (readonly [string, ChatScript])[] = [
  [REQUESTS.good, replyByTurn([lookUp, refund, done])],
  [REQUESTS.bad, replyByTurn([lookUp, chargeBack, sorry])],
  [REQUESTS.asking, replyByTurn([lookUp, approve, refund, done])],
];

/** What the model answers, by what it was asked first. */
export const script: ChatScript = (request, context) => {
  const asked = JSON.stringify(request.messages.findLast(({ role }) => role === "user")?.content);
  const [, found] = scripts.find(([text]) => asked.includes(text)) ?? [];
  if (typeof found !== "function") throw new Error(`Nobody scripted ${asked}.`);
  return found(request, context);
};
