import { appendFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";

import { startLoopback, textOf } from "../../packages/tool-idempotency/test/support/loopback.ts";
import type { Loopback } from "../../packages/tool-idempotency/test/support/loopback.ts";

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
export interface PaymentService extends Loopback {
  /** How often each thing was done for a thread, by what it was about. */
  done(thread: string): Readonly<Record<string, number>>;
  /** Requests that carried a key the service had done before. */
  readonly repeated: () => number;
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

  return {
    ...(await startLoopback(answer)),
    done: (thread) => {
      const times: Record<string, number> = {};
      for (const one of done) {
        if (one.thread === thread) times[one.about] = (times[one.about] ?? 0) + 1;
      }
      return times;
    },
    repeated: () => repeated,
  };
}
