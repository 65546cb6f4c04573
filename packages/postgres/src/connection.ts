import { CoreError, EvenkeelError } from "@evenkeel/core";

import { bodyFormat } from "./body.ts";
import type { BodyFormat } from "./body.ts";
import { PostgresError } from "./errors.ts";
import { SCHEMA_VERSION } from "./migrations.ts";
import type { PostgresClient, PostgresPool } from "./pool.ts";
import { quoted } from "./schema-name.ts";
import { NEWER_SCHEMA_STATE, setupScript, versionQuery } from "./setup-sql.ts";

/**
 * Statements here may be repeated: each is idempotent, and these states undo all of it. The last two
 * mean that another session wrote or erased a row between our look at it and our own write.
 */
const TRY_AGAIN = new Set(["40001", "40P01", "23503", "23505"]);
const MAX_TRIES = 10;

/** The schema of one pool: asks it, and says in codes what went wrong. */
export interface Connection {
  /** The schema as an identifier in SQL. */
  readonly schema: string;
  readonly bodies: BodyFormat;
  /** Runs one statement in one round trip; the very first is preceded by a look at the version. */
  query: (text: string, values: unknown[]) => Promise<Record<string, unknown>[]>;
  /** Runs work in one transaction, kept where it answers true; what the work throws passes as it is. */
  transaction: (work: TransactionWork) => Promise<boolean>;
  setup: () => Promise<void>;
}

/** What happens in a transaction: `query` is the connection's own, whose errors are coded. */
type TransactionWork = (client: PostgresClient, query: Connection["query"]) => Promise<boolean>;

/** Opens nothing yet: the first statement takes a connection from the pool. */
export function connectionOf(
  pool: PostgresPool,
  schema: string,
  codec: Parameters<typeof bodyFormat>[0],
): Connection {
  let checked: Promise<void> | undefined;

  async function check(): Promise<void> {
    const [row] = await run(versionQuery(schema), []);
    const version = Number(row?.["version"] ?? 0);
    if (version > SCHEMA_VERSION) throw newerSchema(schema, version);
    if (version < SCHEMA_VERSION) throw notSetUp(schema);
  }

  async function run(text: string, values: unknown[]): Promise<Record<string, unknown>[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return (await pool.query(text, values)).rows;
      } catch (error) {
        if (attempt < MAX_TRIES && TRY_AGAIN.has(stateOf(error))) continue;
        throw codedError(error, schema);
      }
    }
  }

  return {
    schema: quoted(schema),
    bodies: bodyFormat(codec),
    async query(text, values) {
      checked ??= check();
      try {
        await checked;
        return await run(text, values);
      } catch (error) {
        // Looked at anew next time: the schema may be set up, or the server be back, by then.
        checked = undefined;
        throw error;
      }
    },
    async transaction(work) {
      checked ??= check();
      await checked.catch((error: unknown) => {
        checked = undefined;
        throw error;
      });
      return runTransaction(pool, schema, work);
    },
    async setup() {
      await runSetup(pool, schema);
      checked = undefined;
    },
  };
}

async function runTransaction(
  pool: PostgresPool,
  schema: string,
  work: TransactionWork,
): Promise<boolean> {
  const coded = (error: unknown): never => {
    throw codedError(error, schema);
  };
  const client = await pool.connect().catch(coded);
  try {
    await client.query("BEGIN").catch(coded);
    const keep = await work(client, async (text, values) => {
      return (await client.query(text, values).catch(coded)).rows;
    });
    await client.query(keep ? "COMMIT" : "ROLLBACK").catch(coded);
    client.release();
    return keep;
  } catch (error) {
    await giveBack(client);
    throw error;
  }
}

/** The pool must not get a connection back that still stands in a failed transaction. */
async function giveBack(client: PostgresClient): Promise<void> {
  const rolledBack = await client.query("ROLLBACK").then(
    () => true,
    () => false,
  );
  client.release(!rolledBack);
}

async function runSetup(pool: PostgresPool, schema: string): Promise<void> {
  const client = await pool.connect().catch((error: unknown) => {
    throw codedError(error, schema);
  });
  try {
    await client.query(setupScript(schema));
    client.release();
  } catch (error) {
    await giveBack(client);
    throw setupError(error, schema);
  }
}

function stateOf(error: unknown): string {
  const { code }: { code?: unknown } = typeof error === "object" && error !== null ? error : {};
  return typeof code === "string" ? code : "";
}

/** What a failed statement means: tables that are not there, or a server that is not. */
function codedError(error: unknown, schema: string): EvenkeelError {
  if (EvenkeelError.isInstance(error)) return error;
  const state = stateOf(error);
  if (["42P01", "42703", "3F000"].includes(state)) return notSetUp(schema, error);
  return new CoreError({
    code: "store-unavailable",
    message: `Postgres did not answer a statement in schema ${quoted(schema)}${state === "" ? "" : ` (${state})`}: ${messageOf(error)}`,
    cause: error,
    details: { schema, state },
  });
}

function setupError(error: unknown, schema: string): EvenkeelError {
  const state = stateOf(error);
  if (state === NEWER_SCHEMA_STATE) return newerSchema(schema, undefined, error);
  if (state === "42501") return notSetUp(schema, error, "this role may not create it. ");
  if (["42P07", "42703", "42809", "42710"].includes(state)) {
    return new PostgresError({
      code: "schema-occupied",
      message: `Schema ${quoted(schema)} holds tables of something else: ${messageOf(error)}. Choose another one by the option "schema".`,
      cause: error,
      details: { schema },
    });
  }
  return codedError(error, schema);
}

function notSetUp(schema: string, cause?: unknown, why = ""): CoreError {
  return new CoreError({
    code: "schema-not-set-up",
    message: `Schema ${quoted(schema)} is not set up for this release: ${why}Run \`await evenkeelPostgres(pool).setup()\` once, or let a role that may create tables run the SQL of \`setupSql()\`.`,
    cause,
    details: { schema, wanted: SCHEMA_VERSION },
  });
}

function newerSchema(schema: string, version?: number, cause?: unknown): CoreError {
  return new CoreError({
    code: "schema-version-unsupported",
    message: `Schema ${quoted(schema)} was set up by a newer release${version === undefined ? "" : ` (version ${version})`}; this one knows version ${SCHEMA_VERSION}. Upgrade @evenkeel/postgres here.`,
    cause,
    details: { schema, version, known: SCHEMA_VERSION },
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
