import { replyByTurn } from "@evenkeel/testing";
import type { ChatReply, ChatRequest, ChatScript } from "@evenkeel/testing";

import { LOST_ORDER } from "./lost-order.ts";

/**
 * What the local model answers, so that the demonstration needs no account. Like a real one it does
 * what it is told with the tools it is given: which remedy it picks depends on the request.
 */
export const supportScript: ChatScript = (request, context) =>
  (tells(request, LOST_ORDER) ? lostOrder : chargedTwice)(request, context);

const chargedTwice = replyByTurn([
  { toolCalls: [{ name: "lookup_order", args: { id: "A-1042" } }] },
  { toolCalls: [{ name: "read_gateway_log", args: { id: "A-1042" } }] },
  (request) => {
    const remedy = offers(request, "refund") ? "refund" : "store_credit";
    const amount = remedy === "refund" ? 49.9 : 24.95;
    return { toolCalls: [{ name: remedy, args: { id: "A-1042", amount } }] };
  },
  (request) => ({
    content: offers(request, "refund")
      ? "You were charged twice for order A-1042. I refunded the second charge of 49.90 EUR."
      : "I am sorry about that. I added 24.95 EUR of store credit to your account.",
  }),
]);

/** Stubborn, until it reads what failed: then it looks for the customer instead of the number. */
function lostOrder(request: ChatRequest): ChatReply {
  if (!tells(request, "This is attempt 2")) {
    return { toolCalls: [{ name: "lookup_order", args: { id: "A-1034" } }] };
  }
  return tells(request, "A-1043")
    ? { content: "Your order is A-1043, the enamel teapot: two digits were swapped." }
    : { toolCalls: [{ name: "search_orders", args: { customer: "Jonas Brandt" } }] };
}

function tells({ messages }: ChatRequest, words: string): boolean {
  return JSON.stringify(messages).includes(words);
}

function offers(request: ChatRequest, tool: string): boolean {
  return request.tools?.some((offered) => offered.function?.name === tool) === true;
}
