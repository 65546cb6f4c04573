import { replyByTurn } from "@evenkeel/testing";
import type { ChatRequest, ChatScript } from "@evenkeel/testing";

/** Who writes to the shop tonight, and what becomes of it. */
export const CUSTOMERS = [
  { name: "anna", order: "A-1" },
  { name: "ben", order: "A-2" },
  { name: "cara", order: "A-3" },
  { name: "dave", order: "A-4" },
  { name: "eve", order: "A-5" },
  // The payment gateway is down, and the model apologises.
  { name: "finn", order: "A-6" },
  // The model claims to have done what it did not do.
  { name: "gina", order: "A-7" },
  // Everything goes well, and the customer misses something all the same.
  { name: "hugo", order: "A-8" },
] as const;

/** Whose run dies with its process. */
export const NORA = { name: "nora", order: "A-9" };

/** What Nora's process prints once database and LangSmith have what happened so far. */
export const AT_WORK = "a tool is at work";

/** What a customer writes. */
export function letter(order: string): string {
  return `Please refund order ${order}.`;
}

/** What the local model answers, so that the demonstration needs no account. */
export const supportScript: ChatScript = (request, context) => {
  const order = orderOf(request);
  const find = { toolCalls: [{ name: "find_order", args: { order } }] };
  const refund = { toolCalls: [{ name: "refund", args: { order } }] };
  const refunded = { content: `Order ${order} is refunded: 49.90 EUR are on their way to you.` };
  const sorry = { content: `I'm sorry, I could not refund order ${order}.` };
  if (order === "A-7") return refunded;
  const last = order === "A-6" ? sorry : refunded;
  return replyByTurn([find, refund, last])(request, context);
};

function orderOf({ messages }: ChatRequest): string {
  return /A-\d/.exec(JSON.stringify(messages))?.[0] ?? "A-0";
}
