import { tool } from "@langchain/core/tools";
import { interrupt } from "@langchain/langgraph";
import { z } from "zod";

/** All that is known about a customer's orders: far more than a model needs at once. */
export const lookUpOrders = tool(
  ({ customer }) =>
    JSON.stringify(
      Array.from({ length: 400 }, (_, index) => ({
        order: `A-${1000 + index}`,
        customer,
        amount: 49.9,
        currency: "EUR",
        charges: index === 217 ? 2 : 1,
        state: "delivered",
      })),
    ),
  {
    name: "look_up_orders",
    description: "All orders of a customer.",
    schema: z.object({ customer: z.string() }),
  },
);

/** Pays back once a person has agreed. */
export const refund = tool(
  ({ order, amount }) =>
    interrupt(`Refund ${amount} EUR for ${order}?`) === "yes"
      ? `refunded ${amount} EUR`
      : "a person said no",
  {
    name: "refund",
    description: "Pays an order back.",
    schema: z.object({ order: z.string(), amount: z.number() }),
  },
);
