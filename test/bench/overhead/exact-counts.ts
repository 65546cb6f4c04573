import {
  type DatabaseSize,
  addedBetween,
  databaseSize,
  totalSize,
} from "../measure/database-size.ts";
import type { BenchDatabase } from "./bench-database.ts";
import { runOnce } from "./bench-run.ts";
import type { BenchWorld } from "./bench-world.ts";
import type { CaseSide } from "./cases.ts";
import type { ModelTask } from "./scripted-reply.ts";

/** What one run leaves behind; the same each time. */
export interface ExactCounts {
  readonly supersteps: number;
  readonly checkpoints: number;
  /** Statements sent to the database, each of them a round trip. */
  readonly statements: number;
  /** Rows and bytes in all tables. */
  readonly rows: number;
  readonly bytes: number;
  /** The same by table. */
  readonly tables: DatabaseSize;
  /** Whether a second run left exactly as much. */
  readonly repeatable: boolean;
}

/** Counts what a run leaves in the database, twice. */
export async function countRun(
  { database, build }: BenchWorld,
  side: CaseSide,
  task: ModelTask,
): Promise<ExactCounts> {
  const built = build(side, task);
  const count = async (): Promise<Omit<ExactCounts, "repeatable">> => {
    const before = await databaseSize(database.pool);
    const sent = database.statements();
    const thread = await runOnce(built, side);
    const statements = database.statements() - sent;
    const tables = addedBetween(before, await databaseSize(database.pool));
    return { ...(await stepsOf(database, thread)), statements, ...totalSize(tables), tables };
  };
  const first = await count();
  const second = await count();
  return { ...first, repeatable: plain(first) === plain(second) };
}

/** Counts as text, so that two of them can be compared. */
function plain({ tables, ...counts }: Omit<ExactCounts, "repeatable">): string {
  return JSON.stringify({ ...counts, tables: [...tables] });
}

async function stepsOf(
  { checkpointer }: BenchDatabase,
  thread: string,
): Promise<{ supersteps: number; checkpoints: number }> {
  let supersteps = 0;
  let checkpoints = 0;
  // Without a namespace the list holds the checkpoints of subgraphs as well.
  for await (const { metadata } of checkpointer.list({ configurable: { thread_id: thread } })) {
    checkpoints += 1;
    supersteps = Math.max(supersteps, metadata?.step ?? 0);
  }
  return { supersteps, checkpoints };
}
