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

  // What the server said last: "I" between transactions, "T" or "E" inside of one.
  const states = new Map<Client, string>();
  for (const server of servers) {
    const { connection } = server as unknown as { connection: NodeJS.EventEmitter };
    connection.on("readyForQuery", ({ status }: { status: string }) => states.set(server, status));
  }

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

  /** Waits until a server is free and keeps everybody else from it while `work` goes on. */
  function onServer<Result>(work: (server: Client) => Promise<Result>): Promise<Result> {
    turn += 1;
    const server = servers[turn % servers.length] ?? new Client();
    const result = (tails.get(server) ?? Promise.resolve()).then(() => work(server));
    tails.set(
      server,
      result.catch(() => undefined),
    );
    return result;
  }

  function query(text: string, values?: unknown[]): Promise<PostgresResult> {
    sent.push(text);
    return onServer((server) => transact(server, text, values));
  }

  /** A client has a server of its own from the start of a transaction to its end, and no longer. */
  function client(): PostgresClient {
    let held: { server: Client; leave: () => void } | undefined;
    const take = (): Promise<{ server: Client; leave: () => void }> =>
      new Promise((taken) => {
        void onServer(
          (server) => new Promise<void>((leave) => taken({ server, leave: () => leave() })),
        );
      });
    return {
      async query(text, values) {
        sent.push(text);
        held ??= await take();
        const { server, leave } = held;
        try {
          return await server.query(text, values);
        } finally {
          if (states.get(server) === "I") {
            held = undefined;
            await server.query("DISCARD ALL").finally(leave);
          }
        }
      },
      release: () => held?.leave(),
    };
  }

  return {
    sent,
    query,
    connect: async () => client(),
    end: async () => {
      await Promise.all(servers.map((server) => server.end()));
    },
  };
}
