import { createServer } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

import { Client, RunTree } from "langsmith";
import { traceable, withRunTree } from "langsmith/traceable";

// A service of another team: it traces its own work, and continues the trace a request brings.
const client = new Client();
const received: IncomingHttpHeaders[] = [];

const scanLedger = traceable(
  async (order: string) => {
    await delay(60);
    return `Order ${order} was charged twice.`;
  },
  { name: "scan_ledger", run_type: "retriever", client },
);
const answer = traceable(async (order: string) => scanLedger(order), {
  name: "GET /charges",
  client,
});

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://service");
  if (pathname === "/received") {
    response.end(JSON.stringify(received));
    return;
  }
  received.push(request.headers);
  const { "langsmith-trace": trace = "", baggage = "" } = request.headers;
  const headers = { "langsmith-trace": String(trace), baggage: String(baggage) };
  const caller = RunTree.fromHeaders(headers, { client });
  const work = (): Promise<string> => answer(searchParams.get("order") ?? "");
  const text = caller === undefined ? await work() : await withRunTree(caller, work);
  await client.awaitPendingTraceBatches();
  response.end(text);
}

const server = createServer((request, response) => {
  handle(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
});
server.listen(0, "127.0.0.1", () => {
  process.send?.((server.address() as AddressInfo).port);
});
process.on("disconnect", () => process.exit());
