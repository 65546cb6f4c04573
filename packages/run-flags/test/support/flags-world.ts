import type { EvenkeelStore } from "@evenkeel/core";
import { evenkeelPostgres } from "@evenkeel/postgres";
import {
  crash,
  freshDatabase,
  run,
  startLangSmithEndpoint,
  startOpenAIEndpoint,
} from "@evenkeel/testing";
import type { CrashResult, LangSmithEndpoint } from "@evenkeel/testing";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { Client } from "langsmith";

import type { KeptRun } from "../../src/index.ts";
import { script } from "./flags-job.ts";
import type { FlagsJob, FlagsPoint } from "./flags-job.ts";

/** A step of an execution: what the process is told. */
type Step = Pick<FlagsJob, "thread" | "input"> & Partial<Pick<FlagsJob, "flush" | "broken">>;

/** What LangSmith and Postgres know of an execution. */
interface Seen {
  readonly status: string | undefined;
  readonly kept: KeptRun | undefined;
  /** Root runs of the thread: one, if all parts are one trace. */
  readonly roots: LangSmithEndpoint["runs"];
  readonly feedback: LangSmithEndpoint["feedback"];
  /** Ids of the runs that lie in a queue. */
  readonly queued: readonly (string | undefined)[];
}

/** All that the processes of an agent meet: model, database, LangSmith. */
export interface FlagsWorld {
  readonly langsmith: LangSmithEndpoint;
  readonly client: Client;
  readonly store: EvenkeelStore;
  run(step: Step): Promise<{ failure: string | null }>;
  kill(step: Step, at: FlagsPoint): Promise<CrashResult>;
  seen(thread: string): Promise<Seen>;
  close(): Promise<void>;
}

const program = new URL("./flags-program.ts", import.meta.url);
const PROJECT = "refunds";

/** Builds the world on free ports and a database of its own. */
export async function flagsWorld(): Promise<FlagsWorld> {
  const [langsmith, model, database] = await Promise.all([
    startLangSmithEndpoint({ ingestDelayMs: 300 }),
    startOpenAIEndpoint({ script }),
    freshDatabase(),
  ]);
  const schema = database.schema ?? "public";
  const store = evenkeelPostgres(database.pool);
  await store.setup();
  await new PostgresSaver(database.pool, undefined, { schema }).setup();
  const child = ({ flush = true, broken = false, ...step }: Step) => {
    const job: FlagsJob = {
      ...step,
      flush,
      broken,
      schema,
      modelUrl: model.url,
      databaseUrl: database.url,
    };
    return {
      script: program,
      args: [JSON.stringify(job)],
      bundle: true,
      env: {
        LANGSMITH_ENDPOINT: langsmith.url,
        LANGSMITH_API_KEY: "none-needed-locally",
        LANGSMITH_PROJECT: PROJECT,
      },
    };
  };
  return {
    langsmith,
    store,
    client: new Client({ apiUrl: langsmith.url, apiKey: "none-needed-locally" }),
    run: async (step) => (await run<{ failure: string | null }>(child(step))).result,
    kill: (step, at) => crash({ ...child(step), at }),
    async seen(thread) {
      langsmith.releaseIngestion();
      const [record] = await store.listRecords({ threadId: thread });
      const roots = langsmith.roots().filter((root) => root.thread_id === thread);
      const ids = new Set(
        langsmith.runs.filter(({ thread_id: id }) => id === thread).map(({ id }) => id),
      );
      return {
        status: record?.status,
        kept: record?.facts["runFlags"] as KeptRun | undefined,
        roots,
        feedback: langsmith.feedback.filter(({ run_id: id }) => id !== null && ids.has(id)),
        queued: langsmith.queues
          .flatMap(({ items }) => items.map(({ run_id: id }) => id))
          .filter((id) => id !== undefined && ids.has(id)),
      };
    },
    close: async () => {
      await Promise.all([langsmith.close(), model.close(), database.drop()]);
    },
  };
}
