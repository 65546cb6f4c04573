import { notFound, type Route } from "../endpoint/http-routes.ts";
import { createDatasetStore } from "./datasets.ts";
import { createFeedbackConfigStore } from "./feedback-configs.ts";
import { createFeedbackStore, type FeedbackStore } from "./feedback.ts";
import { createIngestion, type Ingestion } from "./ingestion.ts";
import { createProjectStore, type ProjectStore } from "./projects.ts";
import { queueRoutes } from "./queue-routes.ts";
import { createQueueStore, type QueueStore } from "./queues.ts";
import { createRunAccess } from "./run-access.ts";
import { runRoutesV2 } from "./run-routes-v2.ts";
import { runRoutes } from "./run-routes.ts";
import type { LangSmithRun } from "./run.ts";
import { createRunStore, type RunStore } from "./store.ts";
import { threadRoutes } from "./threads.ts";

/** What a LangSmith server does, without the server. */
export interface LangSmithService {
  readonly runs: RunStore;
  readonly projects: ProjectStore;
  readonly feedback: FeedbackStore;
  readonly queues: QueueStore;
  readonly ingestion: Ingestion;
  readonly routes: readonly Route[];
  readonly clear: () => void;
}

export interface LangSmithServiceOptions {
  /** The body of `GET /info`. */
  info: unknown;
  ingestDelayMs: number;
  requireIngestedRuns: boolean;
  origin: () => string;
  /** Told whenever runs are there that were not before. */
  onIngested: () => void;
  createId: () => string;
  now: () => number;
}

/** Wires the stores of a LangSmith server together. */
export function createLangSmithService(options: LangSmithServiceOptions): LangSmithService {
  const { info, ingestDelayMs, requireIngestedRuns, origin, onIngested, createId, now } = options;
  const tenantId = createId();

  const projects = createProjectStore({ tenantId, createId, now });
  const runs = createRunStore(projects.idFor);
  const ingestion = createIngestion(ingestDelayMs, (operations) => {
    for (const operation of operations) runs.apply(operation);
    onIngested();
  });
  const runFor = (id: string): LangSmithRun | undefined => {
    const run = runs.get(id);
    if (run === undefined && requireIngestedRuns) throw notFound(`run ${id} does not exist`);
    return run;
  };
  const feedback = createFeedbackStore({ runFor, origin, createId, now });
  const configs = createFeedbackConfigStore({ tenantId, now });
  const queues = createQueueStore({ runFor, tenantId, createId, now });
  const datasets = createDatasetStore({ createId, now });
  const access = createRunAccess({ runById: runs.get, createId });
  const source = () => ({ runs: runs.all(), feedbackOf: feedback.of, now });

  const stores = [ingestion, runs, feedback, configs, queues, datasets, projects, access];
  return {
    runs,
    projects,
    feedback,
    queues,
    ingestion,
    routes: [
      ["GET /info", () => ({ body: info })],
      ["GET /settings", () => ({ body: { id: tenantId, tenant_handle: "evenkeel" } })],
      ...runRoutes({ accept: ingestion.accept, source, access }),
      ...runRoutesV2({ source, access, origin }),
      ...threadRoutes(source),
      ...projects.routes,
      ...feedback.routes,
      ...configs.routes,
      ...queueRoutes({ queues, runById: runs.get, feedbackOf: feedback.of }),
      ...datasets.routes,
    ],
    clear: () => {
      for (const store of stores) store.clear();
    },
  };
}
