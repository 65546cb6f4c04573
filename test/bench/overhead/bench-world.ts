import { type BenchDatabase, startBenchDatabase } from "./bench-database.ts";
import type { CaseGraph, CaseSide } from "./cases.ts";
import { startModelEndpoint } from "./model-endpoint.ts";
import type { ModelTask } from "./scripted-reply.ts";

/** What all rows are measured on: one Postgres, one model endpoint, each in a process of its own. */
export interface BenchWorld {
  readonly database: BenchDatabase;
  /** One side of a row, ready to run. */
  build(side: CaseSide, task: ModelTask): CaseGraph;
  stop(): Promise<void>;
}

/** Starts database and endpoint. */
export async function startBenchWorld(): Promise<BenchWorld> {
  const [database, endpoint] = await Promise.all([startBenchDatabase(), startModelEndpoint()]);
  const { checkpointer } = database;
  return {
    database,
    build: (side, task) => side.build({ ...task, checkpointer, url: endpoint.url }),
    stop: async () => {
      await Promise.all([database.stop(), endpoint.stop()]);
    },
  };
}
