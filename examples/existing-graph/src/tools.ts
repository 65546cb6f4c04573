import { tool } from "@langchain/core/tools";
import { interrupt } from "@langchain/langgraph";
import { z } from "zod";

/** A refund waits until a person has approved it, which may be after the next deploy. */
export const refund = tool(
  ({ order }) =>
    interrupt(`Refund ${order}?`) === "yes" ? `refunded ${order}` : `${order} was not refunded`,
  {
    name: "refund",
    description: "Pays an order back.",
    schema: z.object({ order: z.string() }),
  },
);
