import type { ChatReply, ChatRequest } from "@evenkeel/testing";

/** What the model on this machine answers: by who asks, and by how far the case is. */
export function script({ messages }: ChatRequest): ChatReply {
  const prompt = JSON.stringify(messages[0]?.content);
  const said = JSON.stringify(messages.slice(1));
  const found = said.includes("A-1217");
  const paid = said.includes("refunded 49.9 EUR");
  if (prompt.includes("You lead")) {
    return { json: { next: paid ? "done" : found ? "refunds" : "orders" } };
  }
  if (prompt.includes("You find")) {
    const asked = said.includes("look_up_orders");
    return asked
      ? { content: "Order A-1217 has two charges of 49.90 EUR." }
      : { toolCalls: [{ name: "look_up_orders", args: { customer: "C-7" } }] };
  }
  return paid
    ? { content: "We have refunded the second charge of 49.90 EUR. Sorry!" }
    : { toolCalls: [{ name: "refund", args: { order: "A-1217", amount: 49.9 } }] };
}
