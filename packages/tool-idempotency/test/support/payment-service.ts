import type { IncomingMessage } from "node:http";

import type { Pool } from "pg";

import { startLoopback, textOf } from "./loopback.ts";
import type { Loopback } from "./loopback.ts";

/** A payment service on the loopback interface, with a table of its own: what happened, whatever the agent believes. */
export interface PaymentService extends Loopback {
  /** How often each thing was done in a case, by what it was about. */
  done(thread: string): Promise<ReadonlyMap<string, number>>;
}

interface Order {
  readonly thread: string;
  readonly about: string;
  readonly key?: string;
  /** Whether the service does a thing once per key, as payment services do. */
  readonly deduplicates?: boolean;
}

/** Starts the service; what it did, and what was credited in transactions, lies in two tables. */
export async function startPaymentService(pool: Pool, schema: string): Promise<PaymentService> {
  const table = `"${schema}".payments`;
  await pool.query(`CREATE TABLE IF NOT EXISTS ${table}
    (id bigserial, thread text, about text, key text, once_key text UNIQUE);
    CREATE TABLE IF NOT EXISTS "${schema}".credits (id bigserial, thread text, about text);
    CREATE INDEX ON ${table} (key); CREATE INDEX ON ${table} (thread)`);

  async function answer(request: IncomingMessage): Promise<object> {
    const url = new URL(request.url ?? "/", "http://service");
    if (request.method === "GET") {
      const { rows } = await pool.query(`SELECT about FROM ${table} WHERE key = $1`, [
        url.searchParams.get("key"),
      ]);
      return { done: rows.length > 0 };
    }
    const { thread, about, key, deduplicates } = JSON.parse(await textOf(request)) as Order;
    const once = deduplicates === true ? (key ?? null) : null;
    await pool.query(
      `INSERT INTO ${table} (thread, about, key, once_key) VALUES ($1, $2, $3, $4)
       ON CONFLICT (once_key) DO NOTHING`,
      [thread, about, key ?? null, once],
    );
    return { done: true };
  }

  return {
    ...(await startLoopback(answer)),
    async done(thread) {
      const { rows } = await pool.query<{ about: string; times: string }>(
        `SELECT about, count(*) AS times FROM (
           SELECT about FROM ${table} WHERE thread = $1
           UNION ALL SELECT about FROM "${schema}".credits WHERE thread = $1) AS all_of_them
         GROUP BY about`,
        [thread],
      );
      return new Map(rows.map(({ about, times }) => [about, Number(times)]));
    },
  };
}
