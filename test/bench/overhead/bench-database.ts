import { startPostgres } from "@evenkeel/testing";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { Pool, type PoolClient } from "pg";

/** The one Postgres of a bench, with LangGraph's checkpointer on it. */
export interface BenchDatabase {
  readonly pool: Pool;
  readonly checkpointer: PostgresSaver;
  readonly connectionString: string;
  /** The server's version, and whether it was brought along. */
  readonly description: string;
  /** Statements sent so far, each of them a round trip. */
  statements(): number;
  /** Empties the checkpoint tables, so that late pairs meet the tables early ones met. */
  clear(): Promise<void>;
  stop(): Promise<void>;
}

const TABLES = ["checkpoints", "checkpoint_blobs", "checkpoint_writes"];

/** Starts the database; vacuum and checkpoints of the embedded one wait until the bench is over. */
export async function startBenchDatabase(): Promise<BenchDatabase> {
  const server = await startPostgres({
    settings: { autovacuum: "off", checkpoint_timeout: "1h", max_wal_size: "8GB" },
  });
  const pool = new Pool({ connectionString: server.url });
  let statements = 0;
  pool.on("connect", (client) => countStatements(client, () => (statements += 1)));
  const schema = server.schema ?? "public";
  const checkpointer = new PostgresSaver(pool, undefined, { schema });
  await checkpointer.setup();
  const { rows } = await pool.query<{ server_version: string }>("SHOW server_version");
  const version = `PostgreSQL ${rows[0]?.server_version ?? "of unknown version"}`;
  return {
    pool,
    checkpointer,
    connectionString: server.url,
    description: server.embedded ? `${version}, embedded, fsync off` : `${version}, DATABASE_URL`,
    statements: () => statements,
    clear: async () => {
      await pool.query(`TRUNCATE ${TABLES.map((table) => `"${schema}".${table}`).join(", ")}`);
    },
    stop: async () => {
      await pool.end();
      await server.stop();
    },
  };
}

function countStatements(client: PoolClient, count: () => void): void {
  const query = client.query.bind(client) as (...values: unknown[]) => unknown;
  const counted = (...values: unknown[]): unknown => {
    count();
    return query(...values);
  };
  client.query = counted as PoolClient["query"];
}
