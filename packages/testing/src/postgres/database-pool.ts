import { Pool, type PoolConfig } from "pg";

const END_TIMEOUT_MS = 1_000;

/** A pool whose connections may break: an error on an idle one must not end the process. */
export function openPool(config: PoolConfig): Pool {
  const pool = new Pool(config);
  // The pool drops the broken connection by itself, and whoever holds one gets the error from the
  // query. Without a listener Node would end the process for it.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  return pool;
}

/** Ends a pool without waiting for ever for a connection that somebody never gave back. */
export async function endPool(pool: Pool): Promise<void> {
  if (pool.ending) return;
  await Promise.race([
    pool.end(),
    new Promise<void>((resolve) => setTimeout(resolve, END_TIMEOUT_MS).unref()),
  ]);
}
