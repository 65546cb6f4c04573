import { join } from "node:path";

import { installedPostgres, preparePostgres } from "./binaries.ts";
import { CLUSTER_USER, createCluster } from "./cluster.ts";
import { TestDatabaseError } from "./database-error.ts";
import { createRunFolder, removeRunFolder, writeOwners } from "./folder.ts";
import { type LaunchOptions, launchPostgres } from "./launch.ts";
import type { PostgresServer, RestartMode } from "./server.ts";
import { startSupervisor } from "./supervisor.ts";
import { serverUser } from "./system-user.ts";

const KILL_AFTER_MS = 5_000;
const SIGNALS: Record<RestartMode, NodeJS.Signals> = { fast: "SIGINT", immediate: "SIGQUIT" };

/** What the embedded server is started with. */
export interface EmbeddedServerOptions {
  readonly port: number | undefined;
  readonly durable: boolean;
  readonly settings: Readonly<Record<string, string>>;
}

/** Starts a Postgres of this process's own, in a temporary folder, which goes when the process does. */
export async function startEmbeddedServer(options: EmbeddedServerOptions): Promise<PostgresServer> {
  const user = serverUser();
  const native = installedPostgres();
  const folder = await createRunFolder(user);
  const [prepared, supervised] = await Promise.allSettled([
    preparePostgres(native, folder, user),
    startSupervisor({
      folder,
      log: join(folder, "postgres.log"),
      killAfterMs: KILL_AFTER_MS,
      ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
    }),
  ]);
  if (supervised.status === "rejected") {
    await removeRunFolder(folder);
    throw supervised.reason;
  }
  const supervisor = supervised.value;
  try {
    if (prepared.status === "rejected") throw prepared.reason;
    writeOwners(folder, [process.pid, supervisor.pid]);
    const { initdb, postgres: program } = prepared.value;
    const password = await createCluster(supervisor, initdb, folder, user);
    const launch = { supervisor, program, folder, arguments: serverArguments(options) };
    return await serve({ ...launch, port: options.port }, password);
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}

async function serve(launch: LaunchOptions, password: string): Promise<PostgresServer> {
  const { supervisor, folder } = launch;
  let running = await launchPostgres(launch);
  const { port } = running;
  let stopping: Promise<void> | undefined;
  let restarting: Promise<void> = Promise.resolve();

  async function restart(mode: RestartMode): Promise<void> {
    if (stopping !== undefined) throw stopped();
    supervisor.keepProcessAlive(true);
    try {
      running.process.kill(SIGNALS[mode]);
      const exit = await running.process.exited;
      if (exit.lost) throw stopped();
      running = await launchPostgres({ ...launch, port, keepPort: true });
    } finally {
      supervisor.keepProcessAlive(false);
    }
  }

  async function stop(): Promise<void> {
    await restarting.catch(() => {});
    supervisor.keepProcessAlive(true);
    await supervisor.stop();
    await removeRunFolder(folder);
  }

  supervisor.keepProcessAlive(false);
  return {
    url: `postgres://${CLUSTER_USER}:${password}@127.0.0.1:${port}/postgres`,
    schema: undefined,
    embedded: true,
    restart: (mode = "fast") => {
      restarting = restarting.catch(() => {}).then(() => restart(mode));
      return restarting;
    },
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

function serverArguments({ durable, settings }: EmbeddedServerOptions): string[] {
  const all: Record<string, string> = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: "300",
    // A test must survive a killed server, not a power cut.
    ...(durable ? {} : { fsync: "off", full_page_writes: "off" }),
    ...settings,
  };
  return Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

function stopped(): TestDatabaseError {
  return new TestDatabaseError({
    code: "postgres-stopped",
    message: "The embedded Postgres was stopped; it cannot be restarted. Start another one.",
  });
}
