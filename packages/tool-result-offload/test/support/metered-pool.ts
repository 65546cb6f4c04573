import type { Pool } from "pg";

/** A pool that counts what it was asked and what it got. */
export interface MeteredPool {
  readonly pool: Pool;
  readonly queries: () => number;
  /** Bytes of every value of every row, as the driver handed them over. */
  readonly bytesRead: () => number;
}

/** The pool with a meter on its wire. */
export function meteredPool(given: Pool): MeteredPool {
  let queries = 0;
  let bytes = 0;
  const query = async (text: string, values: unknown[]): Promise<unknown> => {
    queries += 1;
    const result = await given.query<Record<string, unknown>>(text, values);
    for (const row of result.rows) {
      for (const value of Object.values(row)) bytes += sizeOf(value);
    }
    return result;
  };
  const pool = new Proxy(given, {
    get: (target, property) => (property === "query" ? query : Reflect.get(target, property)),
  });
  return { pool, queries: () => queries, bytesRead: () => bytes };
}

function sizeOf(value: unknown): number {
  return value instanceof Uint8Array ? value.length : Buffer.byteLength(String(value ?? ""));
}
