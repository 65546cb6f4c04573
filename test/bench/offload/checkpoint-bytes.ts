import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { evenkeelPostgres } from "@evenkeel/postgres";

import { addedBetween, databaseSize, totalSize } from "../measure/database-size.ts";
import type { DatabaseSize } from "../measure/database-size.ts";
import type { BenchDatabase } from "../overhead/bench-database.ts";
import { question } from "../overhead/graphs.ts";
import { variants } from "./agents.ts";
import type { Variant } from "./agents.ts";

/** What one run left behind. */
export interface CheckpointBytes {
  readonly variant: string;
  readonly rounds: number;
  readonly checkpoints: number;
  /** Bytes in the checkpointer's tables. */
  readonly checkpointBytes: number;
  /** Bytes kept elsewhere: the result store's tables, or files. */
  readonly elsewhereBytes: number;
}

/** Runs every variant for so many rounds of one tool call each on Postgres, and counts what was written. */
export async function measureCheckpoints(
  database: BenchDatabase,
  { rounds, say }: { rounds: readonly number[]; say: (step: string) => void },
): Promise<CheckpointBytes[]> {
  const measured: CheckpointBytes[] = [];
  for (const count of rounds) {
    for (const variant of variants) {
      say(`${count} rounds, ${variant.title}`);
      measured.push(await measureOne(database, variant, count));
    }
  }
  return measured;
}

async function measureOne(
  { pool, checkpointer, clear }: BenchDatabase,
  { title, build }: Variant,
  rounds: number,
): Promise<CheckpointBytes> {
  const schema = "bench_offload";
  const directory = await mkdtemp(join(tmpdir(), "bench-offload-"));
  const store = evenkeelPostgres(pool, { schema });
  await store.setup();
  await clear();
  try {
    const before = await databaseSize(pool);
    await build({ rounds, checkpointer, store, directory }).invoke(question(), {
      configurable: { thread_id: "bench" },
      durability: "sync",
      recursionLimit: 10 * rounds + 50,
    });
    const added = addedBetween(before, await databaseSize(pool));
    const results = only(added, (table) => table.startsWith(`${schema}.`));
    const checkpoints = only(added, (table) => !table.startsWith(`${schema}.`));
    return {
      variant: title,
      rounds,
      checkpoints: only(added, (table) => table.endsWith(".checkpoints")).rows,
      checkpointBytes: checkpoints.bytes,
      elsewhereBytes: results.bytes + (await bytesUnder(directory)),
    };
  } finally {
    await pool.query(`DROP SCHEMA ${schema} CASCADE`);
    await rm(directory, { recursive: true });
    await clear();
  }
}

function only(
  size: DatabaseSize,
  wanted: (table: string) => boolean,
): ReturnType<typeof totalSize> {
  return totalSize(new Map([...size].filter(([table]) => wanted(table))));
}

async function bytesUnder(directory: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return bytes;
}
