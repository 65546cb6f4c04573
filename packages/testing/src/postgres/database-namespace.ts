import { Client, DatabaseError, escapeIdentifier } from "pg";

import { TestDatabaseError } from "./database-error.ts";

/** A database of our own, or a schema of our own where the server allows no more. */
export interface DatabaseNamespace {
  readonly url: string;
  /** `undefined` when the whole database is ours. */
  readonly schema: string | undefined;
}

/** Creates a database of this name on a server or, where that is refused, a schema of this name. */
export async function createNamespace(url: string, name: string): Promise<DatabaseNamespace> {
  return withClient(url, async (client) => {
    const refusal = await createDatabase(client, url, name);
    if (refusal === undefined) return { url: withDatabase(url, name), schema: undefined };
    if (!isRefusal(refusal)) {
      throw new TestDatabaseError({
        code: "database-create-failed",
        message: `CREATE DATABASE failed at ${describeUrl(url)}: ${refusal.message}.`,
        cause: refusal,
      });
    }
    const failure = await attempt(async () => {
      await client.query(`CREATE SCHEMA ${escapeIdentifier(name)}`);
    });
    if (failure === undefined) return { url: withSearchPath(url, name), schema: name };
    throw new TestDatabaseError({
      code: "database-create-failed",
      message:
        `The role of ${describeUrl(url)} may create neither a database (${refusal.message}) ` +
        `nor a schema (${failure.message}). Grant one of the two, or unset DATABASE_URL.`,
      cause: failure,
    });
  });
}

/** Creates a database and tries it; returns why there is none. */
async function createDatabase(
  client: Client,
  url: string,
  name: string,
): Promise<Error | undefined> {
  const failure = await attempt(async () => {
    // template0 admits no sessions, so no session can be in the way of the copy.
    await client.query(`CREATE DATABASE ${escapeIdentifier(name)} TEMPLATE template0`);
  });
  if (failure !== undefined) return failure;
  // A pooler with a fixed list of databases lets us create one, but not connect to it.
  const unreachable = await attempt(() => withClient(withDatabase(url, name), async () => {}));
  if (unreachable !== undefined) {
    await client.query(`DROP DATABASE IF EXISTS ${escapeIdentifier(name)}`);
  }
  return unreachable;
}

/** Drops the database or schema of this name and those whose names continue it after an underscore. */
export async function dropNamespaces(url: string, name: string): Promise<void> {
  await withClient(url, async (client) => {
    const databases = await client.query<{ name: string }>(
      "SELECT datname AS name FROM pg_database WHERE datname = $1 OR starts_with(datname, $1 || '_')",
      [name],
    );
    for (const database of databases.rows) {
      await client.query(`DROP DATABASE IF EXISTS ${escapeIdentifier(database.name)} WITH (FORCE)`);
    }
    const schemas = await client.query<{ name: string }>(
      "SELECT nspname AS name FROM pg_namespace WHERE nspname = $1 OR starts_with(nspname, $1 || '_')",
      [name],
    );
    for (const schema of schemas.rows) {
      await client.query(`DROP SCHEMA IF EXISTS ${escapeIdentifier(schema.name)} CASCADE`);
    }
  });
}

/** Name of the namespace that a URL made by {@link createNamespace} leads to. */
export function namespaceOf(url: string): DatabaseNamespace & { readonly name: string } {
  const parsed = parseUrl(url);
  const options = parsed.searchParams.get("options") ?? "";
  const schema = [...options.matchAll(/search_path=(\w+)/gu)].at(-1)?.[1];
  return { url, schema, name: schema ?? decodeURIComponent(parsed.pathname.slice(1)) };
}

function withDatabase(url: string, name: string): string {
  const parsed = parseUrl(url);
  parsed.pathname = `/${name}`;
  return parsed.href;
}

function withSearchPath(url: string, name: string): string {
  const parsed = parseUrl(url);
  const options = `${parsed.searchParams.get("options") ?? ""} -c search_path=${name}`.trim();
  parsed.searchParams.set("options", options);
  // psql and other users of libpq read a "+" as a plus sign.
  parsed.search = parsed.search.replaceAll("+", "%20");
  return parsed.href;
}

async function withClient<Value>(
  url: string,
  work: (client: Client) => Promise<Value>,
): Promise<Value> {
  parseUrl(url);
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 15_000 });
  client.on("error", () => {});
  try {
    await client.connect();
  } catch (error) {
    await client.end().catch(() => {});
    throw new TestDatabaseError({
      code: "database-unreachable",
      message: `No connection to ${describeUrl(url)}: ${String(error)}. Is the server up, and the URL right?`,
      cause: error,
    });
  }
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** The role lacks the right, the service offers no such thing, or its gateway does not lead there. */
function isRefusal(error: Error): boolean {
  if (TestDatabaseError.isInstance(error, "database-unreachable")) return true;
  return error instanceof DatabaseError && (error.code === "42501" || error.code === "0A000");
}

async function attempt(work: () => Promise<void>): Promise<Error | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function parseUrl(url: string): URL {
  if (/^postgres(?:ql)?:\/\//u.test(url) && URL.canParse(url)) return new URL(url);
  throw new TestDatabaseError({
    code: "database-url-invalid",
    message:
      "DATABASE_URL must look like postgres://user:password@host:port/database; " +
      "what came does not (it is not shown, as it may hold a password).",
  });
}

/** Where a URL leads, without its password. */
function describeUrl(url: string): string {
  const { hostname, port, pathname } = parseUrl(url);
  return `postgres at ${hostname || "the local socket"}${port === "" ? "" : `:${port}`}${pathname}`;
}
