import { CoreError } from "@evenkeel/core";
import type { EvenkeelStore, StoreCodec } from "@evenkeel/core";

import { auditStore } from "./audit.ts";
import { breakerStore } from "./breakers.ts";
import { connectionOf } from "./connection.ts";
import { effectStore } from "./effects.ts";
import { eventStore } from "./events.ts";
import { leaseStore } from "./leases.ts";
import { manifestStore } from "./manifests.ts";
import type { PostgresPool } from "./pool.ts";
import { recordStore } from "./records.ts";
import { resultStore } from "./results/result-store.ts";
import { retention } from "./retention.ts";
import { checkedSchema } from "./schema-name.ts";
import { setupScript } from "./setup-sql.ts";

/** What {@link evenkeelPostgres} can be told. */
export interface EvenkeelPostgresOptions {
  /** The schema all tables live in; one per deployment on a shared database. @default "evenkeel" */
  schema?: string;
  /** Encrypts the bodies of rows; ids, scopes, statuses and times stay readable. @default none */
  codec?: StoreCodec;
}

/** Every durable store of Evenkeel, and what sets up its tables. */
export interface EvenkeelPostgres extends EvenkeelStore {
  /** Creates the schema, or brings it up to date; any number of processes may do so at once. */
  setup(): Promise<void>;
  /** The SQL that `setup()` runs, for a role that may create tables where this one may not. */
  setupSql(): string;
}

/**
 * Every durable store of Evenkeel on one Postgres pool. Changes nothing in a run; what middleware
 * keep with it survives the process.
 *
 * Error behavior: `store-unavailable` where the server does not answer, `schema-not-set-up` before
 * `setup()`, `schema-version-unsupported` where a newer release has set it up.
 * Output: one object that is every store.
 * State: the tables of its schema; nothing in the graph.
 * When it fires: one statement per call, and one look at the schema's version before the first.
 *
 * @example
 * ```ts
 * const store = evenkeelPostgres(new Pool({ connectionString: process.env["DATABASE_URL"] }));
 * await store.setup();
 * ```
 */
export function evenkeelPostgres(
  pool: PostgresPool,
  options: EvenkeelPostgresOptions = {},
): EvenkeelPostgres {
  const { schema = "evenkeel", codec, ...unknown } = options;
  for (const option of Object.keys(unknown)) refuse(option, "is no option of it");
  if (typeof pool?.query !== "function" || typeof pool.connect !== "function") {
    refuse("pool", "must be a pg.Pool or have its methods query and connect");
  }
  if (codec !== undefined && !isCodec(codec)) {
    refuse("codec", "must have the functions encrypt and decrypt");
  }
  const connection = connectionOf(pool, checkedSchema(schema), codec);
  keepAlive(pool);
  const results = resultStore(connection);
  const others = retention(connection);
  return {
    ...results,
    ...eventStore(connection),
    ...recordStore(connection),
    ...manifestStore(connection),
    ...auditStore(connection),
    ...effectStore(connection),
    ...leaseStore(connection),
    ...breakerStore(connection),
    forget: async (subject) => (await others.forget(subject)) + (await results.forget(subject)),
    prune: async (ages) => (await others.prune(ages)) + (await results.prune(ages)),
    setup: () => connection.setup(),
    setupSql: () => setupScript(schema),
  };
}

/** Without a listener Node ends the process when the server closes an idle connection of the pool. */
function keepAlive(pool: PostgresPool): void {
  if (pool.listenerCount?.("error") === 0) pool.on?.("error", () => undefined);
}

function isCodec(codec: StoreCodec): boolean {
  return typeof codec?.encrypt === "function" && typeof codec.decrypt === "function";
}

function refuse(option: string, why: string): never {
  throw new CoreError({
    code: "invalid-options",
    message: `evenkeelPostgres: "${option}" ${why}. It takes (pool, { schema?, codec? }).`,
    details: { option },
  });
}
