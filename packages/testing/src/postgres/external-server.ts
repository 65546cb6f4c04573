import { randomBytes } from "node:crypto";

import { TestDatabaseError } from "./database-error.ts";
import { createNamespace, dropNamespaces } from "./database-namespace.ts";
import type { PostgresServer } from "./server.ts";

/** Takes a database, or a schema, of our own on a server that runs already. */
export async function useExternalServer(url: string): Promise<PostgresServer> {
  const name = `evenkeel_${randomBytes(6).toString("hex")}`;
  const own = await createNamespace(url, name);
  let stopping: Promise<void> | undefined;
  return {
    url: own.url,
    schema: own.schema,
    embedded: false,
    restart: async () => {
      throw new TestDatabaseError({
        code: "restart-unsupported",
        message:
          "The server in DATABASE_URL is not ours to restart. Unset DATABASE_URL to run on the " +
          "embedded Postgres.",
      });
    },
    stop: () => {
      stopping ??= dropNamespaces(url, name);
      return stopping;
    },
  };
}
