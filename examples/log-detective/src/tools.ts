import { tool } from "@langchain/core/tools";
import { z } from "zod";

import { gatewayLog } from "./gateway-log.ts";
import { orders } from "./orders.ts";

const fetchLog = tool(() => gatewayLog(), {
  name: "fetch_gateway_log",
  description: "The payment gateway's log of the night.",
  schema: z.object({}),
});

const exportOrders = tool(() => JSON.stringify({ exportedBy: "shop", orders }), {
  name: "export_orders",
  description: "Every order of the night, as JSON.",
  schema: z.object({}),
});

/** The two tools of the detective; neither knows that its answer is kept elsewhere. */
export const tools = [fetchLog, exportOrders];
