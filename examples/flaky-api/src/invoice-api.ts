import { tool } from "@langchain/core/tools";
import type { DynamicStructuredTool } from "@langchain/core/tools";
import { z } from "zod";

/** A billing service that answers slowly for large pages, and whose proxy gives up first. */
function answer(pageSize: number): { invoices: number; total: number } {
  if (pageSize > 50) {
    throw new Error(
      `504 from billing: page_size ${pageSize} took too long; up to 50 is answered in time`,
    );
  }
  return { invoices: 50, total: 12_480 };
}

/** The tool an agent has for it. */
export function listInvoices(): DynamicStructuredTool {
  return tool(({ page_size: pageSize }) => JSON.stringify(answer(pageSize)), {
    name: "list_invoices",
    description: "Lists the newest invoices and their total.",
    schema: z.object({ page_size: z.number().int() }),
  });
}
