import { readFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";

import { crashPoint } from "@evenkeel/testing";
import type { EffectSubject, Reconciled } from "@evenkeel/tool-idempotency";
import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { z } from "zod";

import type { Release } from "./releases.ts";

const orderId = z.string().describe("The number of the order, such as A-1042.");
const amount = z.number().describe("The amount in euros.");

const PAYMENTS = process.env["DEMO_PAYMENTS_URL"] ?? "";
const GATEWAY_MS = 500;

interface Order {
  id: string;
  customer: string;
}

const lookupOrder = tool(
  async ({ id }: { id: string }) => {
    const orders = JSON.parse(await read("orders.json")) as Order[];
    return JSON.stringify(orders.find((order) => order.id === id) ?? "No such order.");
  },
  { name: "lookup_order", description: "Finds an order.", schema: z.object({ id: orderId }) },
);

const searchOrders = tool(
  async ({ customer }: { customer: string }) => {
    const orders = JSON.parse(await read("orders.json")) as Order[];
    return JSON.stringify(orders.filter((order) => order.customer === customer));
  },
  {
    name: "search_orders",
    description: "Lists the orders of a customer.",
    schema: z.object({ customer: z.string().describe("First and last name.") }),
  },
);

const readGatewayLog = tool(
  async () => {
    const log = await read("payment-gateway.log");
    // A gateway takes its time; meanwhile what was traced so far is sent.
    await setTimeout(GATEWAY_MS);
    // Where the demonstration cuts the power: in a tool, between two checkpoints.
    crashPoint("tool:read_gateway_log");
    return log;
  },
  {
    name: "read_gateway_log",
    description: "Reads the payment gateway's log of that day.",
    schema: z.object({ id: orderId }),
  },
);

const refund = tool(
  ({ id, amount: euros }: { id: string; amount: number }) =>
    pay(id, `Refunded ${euros.toFixed(2)} EUR for order ${id}.`),
  {
    name: "refund",
    description: "Pays an amount back to the customer.",
    schema: z.object({ id: orderId, amount }),
  },
);

const storeCredit = tool(
  ({ id, amount: euros }: { id: string; amount: number }) =>
    pay(id, `Granted ${euros.toFixed(2)} EUR of store credit for order ${id}.`),
  {
    name: "store_credit",
    description: "Grants the customer store credit.",
    schema: z.object({ id: orderId, amount }),
  },
);

async function pay(order: string, receipt: string): Promise<string> {
  await fetch(PAYMENTS, { method: "POST", body: JSON.stringify({ order, receipt }) });
  // Where the power is cut a second time: it was paid, and nothing here knows of it yet.
  crashPoint("tool:remedy:after-effect");
  return receipt;
}

/** Looks a payment up, for whoever does not know whether it was made. */
export async function lookUpPayment(_key: string, { args }: EffectSubject): Promise<Reconciled> {
  const response = await fetch(`${PAYMENTS}?order=${String(args["id"])}`);
  const { receipt } = (await response.json()) as { receipt: string | null };
  return receipt === null ? { status: "not-done" } : { status: "done", result: receipt };
}

/** The tools a release offers its model. */
export function toolsOf(release: Release): StructuredToolInterface[] {
  const remedy = release.remedy === "refund" ? refund : storeCredit;
  return [lookupOrder, searchOrders, readGatewayLog, remedy];
}

/** Every tool there is in the code today, whichever of them a release offers. */
export const remedies: Readonly<Record<string, StructuredToolInterface>> = {
  refund,
  store_credit: storeCredit,
};

function read(file: string): Promise<string> {
  return readFile(new URL(`../data/${file}`, import.meta.url), "utf8");
}
