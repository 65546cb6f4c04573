import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** One thing a payment service was asked to do. */
interface Order {
  readonly thread: string;
  readonly about: string;
  /** The key the tool passed on. */
  readonly key: string;
  /** Whether the service does a thing once per key, as payment services do. */
  readonly deduplicates: boolean;
}

/** A payment service that keeps its own log, in a file beside whatever database the agent has. */
export interface PaymentService {
  readonly url: string;
  /** How often each thing was done for a thread, by what it was about. */
  done(thread: string): Readonly<Record<string, number>>;
  /** Requests that carried a key the service had done before. */
  readonly repeated: () => number;
  close(): Promise<void>;
}

/**
 * Starts the service on the loopback interface: `POST /` does a thing, `GET /?key=` says whether it
 * was done, `GET /gate` answers once `together` processes have asked.
 */
export async function startPaymentService(log: string, together = 1): Promise<PaymentService> {
  const done: Order[] = [];
  const keys = new Set<string>();
  let repeated = 0;
  const waiting: (() => void)[] = [];

  async function answer(request: IncomingMessage): Promise<object> {
    const url = new URL(request.url ?? "/", "http://service");
    if (url.pathname === "/gate") return gate();
    if (request.method === "GET") return { done: keys.has(url.searchParams.get("key") ?? "") };
    const order = JSON.parse(await textOf(request)) as Order;
    if (keys.has(order.key)) {
      repeated += 1;
      if (order.deduplicates) return { done: true };
    }
    keys.add(order.key);
    done.push(order);
    appendFileSync(log, `${JSON.stringify(order)}\n`);
    return { done: true };
  }

  async function gate(): Promise<object> {
    await new Promise<void>((open) => {
      waiting.push(open);
      if (waiting.length === together) for (const one of waiting.splice(0)) one();
    });
    return { open: true };
  }

  const server = createServer((request, response) => {
    void answer(request).then(
      (body) => response.end(JSON.stringify(body)),
      (error: unknown) => {
        response.statusCode = 500;
        response.end(String(error));
      },
    );
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    done: (thread) => {
      const times: Record<string, number> = {};
      for (const one of done) {
        if (one.thread === thread) times[one.about] = (times[one.about] ?? 0) + 1;
      }
      return times;
    },
    repeated: () => repeated,
    close: () =>
      new Promise((closed) => {
        server.closeAllConnections();
        server.close(() => closed());
      }),
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}
