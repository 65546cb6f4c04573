import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { afterEach, beforeAll, describe, expect, test } from "vitest";

import { openPool } from "../src/postgres/database-pool.ts";
import { lockHolder } from "../src/postgres/orphan.ts";
import { identifyProcess, processState } from "../src/postgres/process-identity.ts";
import { type PostgresServer, startPostgres } from "../src/postgres/server.ts";
import { folderOf, sql } from "./fixtures/sql.ts";

const started: PostgresServer[] = [];
async function start(options: Parameters<typeof startPostgres>[0] = {}): Promise<PostgresServer> {
  const server = await startPostgres({ databaseUrl: "", ...options });
  started.push(server);
  return server;
}
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
});

async function setting(url: string, name: string): Promise<string | undefined> {
  const [row] = await sql<{ value: string }>(url, `SELECT current_setting('${name}') AS value`);
  return row?.value;
}

describe("the embedded server", () => {
  test("is a real Postgres on 127.0.0.1 only, behind a password", async () => {
    const server = await start();
    expect(server).toMatchObject({ embedded: true, schema: undefined });
    const [row] = await sql<{ version: string }>(server.url, "SELECT version()");
    expect(row?.version).toContain("PostgreSQL 18");
    expect(await setting(server.url, "listen_addresses")).toBe("127.0.0.1");
    expect(await setting(server.url, "unix_socket_directories")).toBe("");

    const stranger = new URL(server.url);
    stranger.password = "guess";
    await expect(sql(stranger.href, "SELECT 1")).rejects.toMatchObject({ code: "28P01" });
  });

  test("flushes to disk only when it is to be durable, and takes further settings", async () => {
    const quick = await start();
    expect(await setting(quick.url, "fsync")).toBe("off");
    expect(await setting(quick.url, "synchronous_commit")).toBe("on");
    const durable = await start({ durable: true, settings: { max_connections: "17" } });
    expect(await setting(durable.url, "fsync")).toBe("on");
    expect(await setting(durable.url, "full_page_writes")).toBe("on");
    expect(await setting(durable.url, "max_connections")).toBe("17");
  });

  test("moves to another port when the one it was given is taken", async () => {
    const server = await start();
    const taken = Number(new URL(server.url).port);
    const second = await start({ port: taken });
    expect(Number(new URL(second.url).port)).not.toBe(taken);
    expect(await setting(server.url, "port")).toBe(String(taken));
  });

  test("leaves nothing behind when it is stopped", async () => {
    const server = await start();
    const folder = await folderOf(server.url);
    const postgres = identifyProcess((await lockHolder(join(folder, "data"))) ?? 0);
    expect(processState(postgres)).toBe("alive");
    await server.stop();
    expect(processState(postgres)).toBe("gone");
    expect(existsSync(folder)).toBe(false);
    await server.stop();
    await expect(server.restart()).rejects.toMatchObject({ code: "postgres-stopped" });
  });

  test("says what Postgres said when it does not start", async () => {
    const attempt = start({ settings: { max_connections: "many" } });
    await expect(attempt).rejects.toMatchObject({
      code: "postgres-start-failed",
      message: expect.stringContaining('invalid value for parameter "max_connections"'),
    });
  });

  test("refuses a port that is none", async () => {
    const attempt = start({ port: 70_000 });
    await expect(attempt).rejects.toMatchObject({ code: "invalid-option" });
  });
});

describe("a restart", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ databaseUrl: "" });
    await sql(server.url, "CREATE TABLE kept (value text)");
    return () => server.stop();
  });

  test.each(["fast", "immediate"] as const)("(%s) keeps what was committed", async (mode) => {
    await sql(server.url, `INSERT INTO kept VALUES ('${mode}')`);
    await server.restart(mode);
    const kept = await sql(server.url, `SELECT value FROM kept WHERE value = '${mode}'`);
    expect(kept).toHaveLength(1);
  });

  test("ends neither the process nor the pool, with connections idle and in use", async () => {
    const pool = openPool({ connectionString: server.url });
    const [held] = await Promise.all([pool.connect(), pool.query("SELECT 1")]);
    const sleeping = pool.query("SELECT pg_sleep(600)").catch((error: unknown) => error);
    await server.restart("immediate");
    expect(await sleeping).toBeInstanceOf(Error);
    await expect(held.query("SELECT 1")).rejects.toBeInstanceOf(Error);
    held.release(true);
    expect((await pool.query("SELECT 2 AS value")).rows).toEqual([{ value: 2 }]);
    await pool.end();
  });

  test("brings back a server that was killed and left its lock", async () => {
    await sql(server.url, "INSERT INTO kept VALUES ('killed')");
    const data = join(await folderOf(server.url), "data");
    process.kill((await lockHolder(data)) ?? 0, "SIGKILL");
    await server.restart();
    const kept = await sql(server.url, "SELECT value FROM kept WHERE value = 'killed'");
    expect(kept).toHaveLength(1);
  });

  test("waits for its port when somebody else has it for a moment", async () => {
    const port = Number(new URL(server.url).port);
    const data = join(await folderOf(server.url), "data");
    const postgres = identifyProcess((await lockHolder(data)) ?? 0);
    process.kill(postgres.pid, "SIGKILL");
    while (processState(postgres) === "alive") await delay(5);
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(port, "127.0.0.1", resolve));
    setTimeout(() => squatter.close(), 600);
    await server.restart();
    expect(await setting(server.url, "port")).toBe(String(port));
  });
});

describe("the server in DATABASE_URL", () => {
  let host: PostgresServer;
  beforeAll(async () => {
    host = await startPostgres({ databaseUrl: "" });
    await sql(host.url, "CREATE ROLE limited LOGIN PASSWORD 'secret-of-limited'");
    await sql(host.url, "GRANT CREATE ON DATABASE postgres TO limited");
    await sql(host.url, "CREATE ROLE powerless LOGIN PASSWORD 'secret-of-powerless'");
    return () => host.stop();
  });

  function as(role: string): string {
    const url = new URL(host.url);
    url.username = role;
    url.password = `secret-of-${role}`;
    return url.href;
  }

  const namesOf = async (text: string): Promise<string[]> =>
    (await sql<{ name: string }>(host.url, text)).map((row) => row.name);
  const databases = (): Promise<string[]> =>
    namesOf("SELECT datname AS name FROM pg_database WHERE datname LIKE 'evenkeel%'");
  const schemas = (): Promise<string[]> =>
    namesOf("SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE 'evenkeel%'");

  test("gives us a database of our own, dropped in the end, whoever is still connected", async () => {
    const server = await start({ databaseUrl: host.url });
    expect(server).toMatchObject({ embedded: false, schema: undefined });
    const [name] = await databases();
    expect(new URL(server.url).pathname).toBe(`/${name}`);
    const pool = openPool({ connectionString: server.url });
    await pool.query("CREATE TABLE ours (value int)");
    await server.stop();
    expect(await databases()).toEqual([]);
    await pool.end();
  });

  test("gives us a schema of our own where its role may create no database", async () => {
    const server = await start({ databaseUrl: as("limited") });
    expect(await schemas()).toEqual([server.schema]);
    await sql(server.url, "CREATE TABLE ours AS SELECT 7 AS value");
    const qualified = `SELECT value FROM ${server.schema ?? ""}.ours`;
    expect(await sql(host.url, qualified)).toEqual([{ value: 7 }]);
    await server.stop();
    expect(await schemas()).toEqual([]);
  });

  test("is a coded error where its role may create neither, without its password", async () => {
    const attempt = start({ databaseUrl: as("powerless") });
    await expect(attempt).rejects.toMatchObject({
      code: "database-create-failed",
      message: expect.not.stringContaining("secret"),
    });
  });

  test("is not ours to restart", async () => {
    const server = await start({ databaseUrl: host.url });
    await expect(server.restart()).rejects.toMatchObject({ code: "restart-unsupported" });
  });

  test("is a coded error when nobody answers, or when it is no URL of a Postgres", async () => {
    const nobody = start({ databaseUrl: "postgres://me:secret@127.0.0.1:1/x" });
    await expect(nobody).rejects.toMatchObject({
      code: "database-unreachable",
      message: expect.not.stringContaining("secret"),
    });
    const mysql = start({ databaseUrl: "mysql://me:secret@127.0.0.1/x" });
    await expect(mysql).rejects.toMatchObject({
      code: "database-url-invalid",
      message: expect.not.stringContaining("secret"),
    });
  });
});
