import { Client } from "pg";

import type { PostgresClient, PostgresPool, PostgresResult } from "../src/pool.ts";

/** A pool under the rules of PgBouncer's transaction mode, and what it was sent. */
export interface TransactionPool extends PostgresPool {
  /** The text of every message. */
  readonly sent: string[];
  end(): Promise<void>;
}

/**
 * Gives every message a server connection of its own choice, and wipes what it left there (session
 * settings, prepared statements, session locks), as a pooler between transactions may.
 */
export async function transactionPool(connectionString: string): Promise<TransactionPool> {
  const servers = Array.from({ length: 3 }, () => new Client({ connectionString }));
  await Promise.all(servers.map((server) => server.connect()));
  const sent: string[] = [];
  const tails = new Map<Client, Promise<unknown>>();
  let turn = 0;

  async function transact(
    server: Client,
    text: string,
    values?: unknown[],
  ): Promise<PostgresResult> {
    try {
      return await server.query(text, values);
    } finally {
      // Inside of a transaction this fails: then a message left one open.
      await server.query("DISCARD ALL");
    }
  }

  function query(text: string, values?: unknown[]): Promise<PostgresResult> {
    sent.push(text);
    turn += 1;
    const server = servers[turn % servers.length] ?? new Client();
    const result = (tails.get(server) ?? Promise.resolve()).then(() =>
      transact(server, text, values),
    );
    tails.set(
      server,
      result.catch(() => undefined),
    );
    return result;
  }

  return {
    sent,
    query,
    connect: async (): Promise<PostgresClient> => ({ query, release: () => undefined }),
    end: async () => {
      await Promise.all(servers.map((server) => server.end()));
    },
  };
}
