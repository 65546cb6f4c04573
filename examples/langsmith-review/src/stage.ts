import { startLangSmithEndpoint, startOpenAIEndpoint, startPostgres } from "@evenkeel/testing";

import { supportScript } from "./customers.ts";

/** What the demonstration runs on. */
export interface Stage {
  readonly databaseUrl: string;
  /** Undefined where the real model is called. */
  readonly modelUrl: string | undefined;
  readonly project: string;
  /** How long LangSmith takes until what was sent is found. */
  readonly ingestMs: number;
  close(): Promise<void>;
}

const LOCAL_INGEST_MS = 200;

/** Starts Postgres, and a model and a LangSmith on this machine where no key says to use the real ones. */
export async function openStage(): Promise<Stage> {
  const project = "evenkeel-langsmith-review";
  const postgres = await startPostgres();
  const scripted = process.env["OPENAI_API_KEY"] === undefined;
  const model = scripted ? await startOpenAIEndpoint({ script: supportScript }) : undefined;
  const local = process.env["LANGSMITH_API_KEY"] === undefined;
  // A run is there a moment after it was sent, as in the real service.
  const langsmith = local
    ? await startLangSmithEndpoint({ ingestDelayMs: LOCAL_INGEST_MS })
    : undefined;
  process.env["LANGSMITH_PROJECT"] = project;
  // The tracer is given to each run by hand.
  process.env["LANGSMITH_TRACING"] = "false";
  if (langsmith !== undefined) {
    process.env["LANGSMITH_ENDPOINT"] = langsmith.url;
    process.env["LANGSMITH_API_KEY"] = "none-needed-locally";
  }
  return {
    databaseUrl: postgres.url,
    modelUrl: model?.url,
    project,
    ingestMs: local ? 2 * LOCAL_INGEST_MS : 10_000,
    close: async () => {
      await Promise.all([model?.close(), langsmith?.close()]);
      await postgres.stop();
    },
  };
}
