import { effectTransaction, idempotencyKey } from "@evenkeel/tool-idempotency";
import type { ToolIdempotencyOptions } from "@evenkeel/tool-idempotency";
import { ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface, ToolRunnableConfig } from "@langchain/core/tools";
import { interrupt } from "@langchain/langgraph";
import type pg from "pg";
import { z } from "zod";

import { LOG } from "./job.ts";
import type { EverythingJob } from "./job.ts";
import { around } from "./points.ts";

/** The agent's tools as a release has them: another day, other descriptions and one tool more. */
export function toolsOf(job: EverythingJob): StructuredToolInterface[] {
  const monday = job.release === "monday";
  const schema = z.object({ order: z.string().describe(monday ? "its number" : "its new number") });
  const make = (name: string, work: (order: string) => Promise<string> | string) =>
    tool(({ order }: { order: string }) => work(order), {
      name,
      description: monday ? `Does ${name}.` : `Does ${name}, in another way.`,
      schema,
    });

  async function pay(about: string, deduplicates: boolean): Promise<void> {
    const body = JSON.stringify({ thread: job.thread, about, key: idempotencyKey(), deduplicates });
    await around("effect", async () => {
      const response = await fetch(job.payments, { method: "POST", body });
      if (!response.ok) throw new Error(`The payment service answered ${response.status}.`);
    });
  }

  // In createAgent what a tool throws ends the run as soon as anything wraps tool calls.
  const chargeBack = tool(
    (_args: { order: string }, { toolCall }: ToolRunnableConfig) =>
      new ToolMessage({
        status: "error",
        content: "Error: the gateway refused it for good.",
        tool_call_id: toolCall?.id ?? "",
        name: "charge_back",
      }),
    { name: "charge_back", description: "Charges back.", schema },
  );

  return [
    make("refund", async (order) => {
      await pay(`refund ${order}`, true);
      return `refunded ${order}`;
    }),
    make("notify", async (order) => {
      await pay(`notify ${order}`, false);
      return `told the customer of ${order}`;
    }),
    make("credit", async (order) => {
      const insert = `INSERT INTO "${job.evenkeel}".credits (thread, about) VALUES ($1, $2)`;
      const client = effectTransaction<pg.PoolClient>();
      await around("effect", () => client.query(insert, [job.thread, `credit ${order}`]));
      return `credited ${order}`;
    }),
    make("ask", (order) => `a person said ${String(interrupt(`about ${order}?`))}`),
    make("fetch_log", () => LOG),
    chargeBack,
    ...(monday ? [] : [make("cancel", (order) => `cancelled ${order}`)]),
  ];
}

/** How each of them behaves when it runs twice. */
export function effectsOf({ payments }: EverythingJob): ToolIdempotencyOptions["tools"] {
  return {
    refund: "keyed",
    credit: "transactional",
    ask: "pure",
    fetch_log: "pure",
    charge_back: "idempotent",
    notify: {
      effect: "once",
      reconcile: async (key) => {
        const response = await fetch(`${payments}?key=${key}`);
        const { done } = (await response.json()) as { done: boolean };
        return done
          ? { status: "done", result: "told the customer of A1" }
          : { status: "not-done" };
      },
    },
  };
}
