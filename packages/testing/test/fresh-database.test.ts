import { afterEach, describe, expect, test, vi } from "vitest";

import { crash, run } from "../src/crash/crash.ts";
import {
  freshDatabase,
  type FreshDatabase,
  SHARED_POSTGRES_URL,
} from "../src/postgres/fresh-database.ts";
import { type PostgresServer, startPostgres } from "../src/postgres/server.ts";
import { setup, teardown } from "../src/vitest-postgres.ts";
import { sql } from "./fixtures/sql.ts";

const effect = new URL("./fixtures/effect.ts", import.meta.url);

/** Databases of ours on a server; its own is named otherwise. */
const LEFT = "SELECT datname FROM pg_database WHERE datname LIKE 'evenkeel%'";

const made: FreshDatabase[] = [];
async function fresh(): Promise<FreshDatabase> {
  const database = await freshDatabase();
  made.push(database);
  return database;
}
afterEach(async () => {
  await Promise.all(made.splice(0).map((database) => database.drop()));
  vi.unstubAllEnvs();
});

const portOf = (url: string): string => new URL(url).port;

describe("a fresh database", () => {
  test("is empty, shares nothing with another, and is gone after drop", async () => {
    const [one, two] = await Promise.all([fresh(), fresh()]);
    await one.pool.query("CREATE TABLE kept AS SELECT 1 AS value");
    await two.pool.query("CREATE TABLE kept AS SELECT 2 AS value");
    expect((await one.pool.query("SELECT value FROM kept")).rows).toEqual([{ value: 1 }]);
    await one.drop();
    await expect(sql(one.url, "SELECT 1")).rejects.toMatchObject({ code: "3D000" });
    expect((await two.pool.query("SELECT value FROM kept")).rows).toEqual([{ value: 2 }]);
  });

  test("is dropped though a connection was never given back", async () => {
    const database = await fresh();
    await database.pool.connect();
    await database.drop();
    await expect(sql(database.url, "SELECT 1")).rejects.toMatchObject({ code: "3D000" });
  });

  test("comes from a server of this process where no run shares one", async () => {
    vi.stubEnv(SHARED_POSTGRES_URL, "");
    const [one, two] = await Promise.all([fresh(), fresh()]);
    expect(portOf(one.url)).toBe(portOf(two.url));
  });

  test("comes from a server of this process where the shared one is no more", async () => {
    vi.stubEnv(SHARED_POSTGRES_URL, "postgres://me:secret@127.0.0.1:1/postgres");
    const { pool } = await fresh();
    expect((await pool.query("SELECT 1 AS value")).rows).toEqual([{ value: 1 }]);
  });

  test("shows a child process killed after an effect, and its resume, the same rows", async () => {
    const { url } = await fresh();
    const env = { EFFECT_DATABASE: url };
    await crash({ script: effect, env, at: "effect:done" });
    await crash({ script: effect, env, at: "effect:done", bundle: true });
    const { result } = await run({ script: effect, args: ["count"], env });
    expect(result).toEqual({ effects: 2 });
  });
});

describe("the server of a whole test run", () => {
  let host: PostgresServer | undefined;
  afterEach(async () => {
    await teardown();
    await host?.stop();
  });

  test("is found through the environment, and drops in DATABASE_URL what files left", async () => {
    host = await startPostgres({ databaseUrl: "" });
    vi.stubEnv("DATABASE_URL", host.url);
    vi.stubEnv(SHARED_POSTGRES_URL, "");
    await setup();
    const database = await freshDatabase();
    expect(portOf(database.url)).toBe(portOf(host.url));
    await database.pool.end();
    await teardown();
    expect(process.env[SHARED_POSTGRES_URL]).toBeUndefined();
    expect(await sql(host.url, LEFT)).toEqual([]);
  });

  test("leaves nothing in DATABASE_URL where a process has no run to share one with", async () => {
    host = await startPostgres({ databaseUrl: "" });
    vi.stubEnv("DATABASE_URL", host.url);
    vi.stubEnv(SHARED_POSTGRES_URL, "");
    const database = await freshDatabase();
    expect(portOf(database.url)).toBe(portOf(host.url));
    await database.drop();
    expect(await sql(host.url, LEFT)).toEqual([]);
  });

  test("gives every file a schema where DATABASE_URL admits no database", async () => {
    host = await startPostgres({ databaseUrl: "" });
    await sql(host.url, "CREATE ROLE limited LOGIN PASSWORD 'limited'");
    await sql(host.url, "GRANT CREATE ON DATABASE postgres TO limited");
    const url = new URL(host.url);
    url.username = "limited";
    url.password = "limited";
    vi.stubEnv("DATABASE_URL", url.href);
    vi.stubEnv(SHARED_POSTGRES_URL, "");
    await setup();
    const [one, two] = await Promise.all([fresh(), fresh()]);
    await one.pool.query("CREATE TABLE kept AS SELECT 1 AS value");
    await expect(two.pool.query("SELECT value FROM kept")).rejects.toMatchObject({ code: "42P01" });
    await two.pool.query("CREATE TABLE kept AS SELECT 2 AS value");
    const qualified = `SELECT value FROM ${one.schema ?? ""}.kept`;
    expect(await sql(url.href, qualified)).toEqual([{ value: 1 }]);
  });
});
