import type { EvenkeelStore } from "@evenkeel/core";
import type { Client } from "langsmith";

import { RunFlagsError } from "../errors.ts";
import type { StoreAddress } from "./command-line.ts";

/** A store in Postgres, open until `close`. */
export interface OpenStore {
  readonly store: EvenkeelStore;
  close(): Promise<void>;
}

/** Opens the store the middleware writes to; loaded here alone, since the middleware needs neither. */
export async function openStore({ url, schema }: StoreAddress): Promise<OpenStore> {
  const [{ evenkeelPostgres }, { default: pg }] = await Promise.all([
    import("@evenkeel/postgres"),
    import("pg"),
  ]).catch((error: unknown) => missing("@evenkeel/postgres pg", error));
  const pool = new pg.Pool({ connectionString: url, max: 2, connectionTimeoutMillis: 10_000 });
  return {
    store: evenkeelPostgres(pool, schema === undefined ? {} : { schema }),
    close: () => pool.end(),
  };
}

/** LangSmith's client, as the environment configures it. */
export async function openLangSmith(): Promise<Client> {
  const langsmith = await import("langsmith").catch((error: unknown) =>
    missing("langsmith", error),
  );
  if (process.env["LANGSMITH_API_KEY"] === undefined) {
    throw new RunFlagsError({
      code: "invalid-options",
      message: "evenkeel-flags: LANGSMITH_API_KEY is not set; LangSmith needs it.",
    });
  }
  return new langsmith.Client();
}

function missing(packages: string, cause: unknown): never {
  throw new RunFlagsError({
    code: "package-missing",
    message: `evenkeel-flags: ${packages.replace(" ", " or ")} is not installed. Run \`npm install ${packages}\`.`,
    cause,
  });
}
