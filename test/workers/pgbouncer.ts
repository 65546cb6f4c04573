import { spawn, spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

import { openPool } from "@evenkeel/testing";

const BINARY = process.env["PGBOUNCER"] ?? "pgbouncer";

/** Whether there is a PgBouncer on this machine: `pgbouncer` in the path, or what `PGBOUNCER` names. */
export function hasPgBouncer(): boolean {
  return spawnSync(BINARY, ["--version"]).status === 0;
}

/** Starts PgBouncer in transaction mode in front of a database, with fewer connections than its clients have. */
export async function startPgBouncer(
  database: string,
  folder: string,
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const target = new URL(database);
  const name = target.pathname.slice(1);
  const port = await freePort();
  const users = join(folder, "users.txt");
  const settings = join(folder, "pgbouncer.ini");
  const password = decodeURIComponent(target.password);
  await writeFile(users, `"${decodeURIComponent(target.username)}" "${password}"\n`);
  await writeFile(
    settings,
    `[databases]
${name} = host=${target.hostname} port=${target.port || "5432"} dbname=${name}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${users}
pool_mode = transaction
default_pool_size = 6
max_client_conn = 100
ignore_startup_parameters = extra_float_digits,options
`,
  );
  // It refuses to run as root.
  const asUser = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
  if (asUser.length > 0) spawnSync("chmod", ["-R", "a+rX", folder]);
  const child = spawn(BINARY, [...asUser, settings], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  target.hostname = "127.0.0.1";
  target.port = String(port);
  const url = target.href;
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  const pool = openPool({ connectionString: url, max: 1 });
  try {
    for (let tries = 1; ; tries += 1) {
      try {
        await pool.query("SELECT 1");
        return { url, stop };
      } catch (error) {
        if (tries < 50 && child.exitCode === null) {
          await setTimeout(100);
          continue;
        }
        await stop();
        throw new Error(`PgBouncer did not answer: ${said}`, { cause: error });
      }
    }
  } finally {
    await pool.end();
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}
