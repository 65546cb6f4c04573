import type { Pool, PoolClient } from "pg";

type Query = (text: string, values?: unknown[]) => Promise<{ rows: Record<string, unknown>[] }>;

/** A pool that counts statements, each of which is a round trip, by itself or on a client of its own. */
export function countedPool(pool: Pool): {
  readonly pool: { query: Query; connect(): Promise<PoolClient> };
  readonly count: () => number;
} {
  let count = 0;
  return {
    count: () => count,
    pool: {
      query: (text, values) => {
        count += 1;
        return pool.query(text, values);
      },
      async connect() {
        const client = await pool.connect();
        return new Proxy(client, {
          get(target, name) {
            if (name === "query") count += 1;
            const value: unknown = Reflect.get(target, name);
            return typeof value === "function" ? value.bind(target) : value;
          },
        });
      },
    },
  };
}
