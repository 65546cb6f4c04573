import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { freshDatabase, pgliteDatabase } from "@evenkeel/testing";
import { MemorySaver } from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";

/** A checkpointer that is open, and how to be rid of it. */
export interface OpenSaver {
  readonly checkpointer: BaseCheckpointSaver;
  readonly close: () => Promise<void>;
}

/** A kind of checkpointer that people run LangGraph on. */
export interface Backend {
  readonly name: string;
  /** Why it is not run here; undefined where it is. */
  readonly missing?: string | undefined;
  readonly open: () => Promise<OpenSaver>;
}

const SQLITE = "@langchain/langgraph-checkpoint-sqlite";
const REDIS = "@langchain/langgraph-checkpoint-redis";

/** The backends; two of them are no dependencies, since one is compiled for minutes and one needs a server. */
export const BACKENDS: readonly Backend[] = [
  {
    name: "Memory",
    open: async () => ({ checkpointer: new MemorySaver(), close: async () => {} }),
  },
  {
    name: "Postgres",
    async open() {
      const database = await freshDatabase();
      const { pool, schema = "public", drop } = database;
      const checkpointer = new PostgresSaver(pool, undefined, { schema });
      await checkpointer.setup();
      return { checkpointer, close: drop };
    },
  },
  {
    name: "PGlite",
    async open() {
      const { pool, stop } = await pgliteDatabase();
      const checkpointer = new PostgresSaver(pool);
      await checkpointer.setup();
      return { checkpointer, close: stop };
    },
  },
  {
    name: "SQLite",
    missing: installed(SQLITE) ? undefined : `${SQLITE} is not installed`,
    async open() {
      const folder = await mkdtemp(join(tmpdir(), "evenkeel-sqlite-"));
      const { SqliteSaver } = (await import(SQLITE)) as {
        SqliteSaver: { fromConnString(path: string): BaseCheckpointSaver };
      };
      const checkpointer = SqliteSaver.fromConnString(join(folder, "checkpoints.db"));
      return { checkpointer, close: () => rm(folder, { recursive: true, force: true }) };
    },
  },
  {
    name: "Redis",
    missing: missingRedis(),
    async open() {
      const { RedisSaver } = (await import(REDIS)) as {
        RedisSaver: {
          fromUrl(url: string): Promise<BaseCheckpointSaver & { end(): Promise<void> }>;
        };
      };
      const checkpointer = await RedisSaver.fromUrl(process.env["REDIS_URL"] ?? "");
      return { checkpointer, close: () => checkpointer.end() };
    },
  },
];

function missingRedis(): string | undefined {
  if (process.env["REDIS_URL"] === undefined) return "REDIS_URL names no Redis 8 with its modules";
  return installed(REDIS) ? undefined : `${REDIS} is not installed`;
}

function installed(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}
