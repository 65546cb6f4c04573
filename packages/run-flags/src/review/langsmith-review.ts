import type { KeptTrace } from "../keep/kept-run.ts";
import type { Finding } from "./finding.ts";
import { marksOf, remarked } from "./marks.ts";
import { type Outbox, isNotFound } from "./outbox.ts";
import type { ReviewClient } from "./review-client.ts";
import { fixedId } from "./review-ids.ts";
import { findQueue } from "./review-queue.ts";
import type { ReviewQueue } from "./review-queue.ts";

/** Where flagged runs are reviewed in LangSmith. */
export interface LangSmithReviewOptions {
  client: ReviewClient;
  /** Feedback `needs_review` on flagged runs. @default true */
  feedback?: boolean;
  /** False for none. @default a queue with the default name */
  queue?: ReviewQueue | false;
  /** The project in which the sweep looks for runs of processes that died. @default what LANGSMITH_PROJECT says, else "default" */
  project?: string;
}

/** How a finding stands to what LangSmith knows. */
export interface TellOptions {
  /** The live root run carries the marks already. */
  marked: boolean;
  /** An earlier finding was told, and is replaced by this one. */
  corrects: boolean;
}

/** Tells LangSmith what was found, in the background. */
export interface LangSmithReview {
  /** Settles with whether everything arrived; what was given up is reported. */
  tell(finding: Finding, trace: KeptTrace, options: TellOptions): Promise<boolean>;
  /** The run of an execution whose process left no record of it. */
  find(executionId: string): Promise<KeptTrace | null>;
}

/** Feedback key under which reviewers find flagged runs. */
export const NEEDS_REVIEW = "needs_review";

/** A root that a killed process never sent stays away for good: from this try on its part stands in. */
const TRIES_OF_ROOT = 6;
const MOST_FLAGS = 10;

/** Makes the teller of findings. */
export function langSmithReview(options: LangSmithReviewOptions, outbox: Outbox): LangSmithReview {
  const { client, feedback = true, queue = {} } = options;
  const known = new Map<string, Promise<string>>();
  const once = (key: string, find: () => Promise<string>): Promise<string> => {
    const found = known.get(key) ?? find();
    known.set(key, found);
    found.catch(() => known.delete(key));
    return found;
  };
  const sessionOf = (project: string): Promise<string> =>
    once(`project:${project}`, async () => (await client.readProject({ projectName: project })).id);

  async function mark(finding: Finding, runId: string, sessionId: string): Promise<void> {
    const run = await client.runs.retrieve(runId, {
      project_id: sessionId,
      selects: ["TAGS", "EXTRA", "METADATA"],
    });
    const { tags = [], extra = {}, metadata = extra["metadata"] } = run;
    const now = remarked({ tags, metadata: { ...(metadata as object) } }, marksOf(finding));
    await client.updateRun(runId, { tags: now.tags, extra: { ...extra, metadata: now.metadata } });
  }

  return {
    async tell(finding, trace, { marked, corrects }) {
      const { executionId, flagged, sampled, score } = finding;
      const { project } = trace;
      if (project === null) return true;
      const standing = (attempt: number) =>
        attempt > TRIES_OF_ROOT && trace.part !== null ? trace.part : trace;
      const works: Promise<boolean>[] = [];
      // The live run of this process has its marks; the first run of a resumed execution has none yet.
      if (!marked || trace.part !== null) {
        const what = `Marking of execution ${executionId}`;
        const work = outbox.postOnceIngested(what, async (attempt) => {
          const { runId } = standing(attempt);
          await mark(finding, runId, await sessionOf(project));
        });
        works.push(work);
      }
      if (feedback && (flagged || corrects)) {
        const what = `Feedback on execution ${executionId}`;
        const work = outbox.postOnceIngested(what, async (attempt) =>
          client.createFeedback({
            runId: standing(attempt).runId,
            sessionId: await sessionOf(project),
            key: NEEDS_REVIEW,
            score: flagged ? 1 : 0,
            comment: evidenceOf(finding),
            feedbackId: fixedId(NEEDS_REVIEW, executionId),
            sourceInfo: { by: "evenkeel", execution_id: executionId },
            extendTraceRetention: false,
          }),
        );
        works.push(work);
      }
      if (queue !== false && (flagged ? score >= (queue.from ?? 0) : sampled)) {
        const what = `Queueing of execution ${executionId}`;
        const work = outbox.postOnceIngested(what, async (attempt) => {
          const { runId, startTime } = standing(attempt);
          if (startTime === null) return;
          const sessionId = await sessionOf(project);
          const queueId = await once("queue", () => findQueue(client, queue, sessionId));
          await client.addRunsToAnnotationQueue(queueId, [{ runId, sessionId, startTime }]);
        });
        works.push(work);
      }
      return (await Promise.all(works)).every(Boolean);
    },

    async find(executionId) {
      const { project = projectOfEnvironment() } = options;
      const sessionId = await sessionOf(project).catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
      if (sessionId === undefined) return null;
      const filter = `and(eq(metadata_key, "evenkeel_execution_id"), eq(metadata_value, ${JSON.stringify(executionId)}))`;
      const found = client.runs.query({
        project_ids: [sessionId],
        filter,
        is_root: true,
        selects: ["ID", "START_TIME"],
      });
      for await (const { id, start_time: startTime = null } of found) {
        if (id !== undefined) return { runId: id, startTime, project, part: null };
      }
      return null;
    },
  };
}

/** The project LangChain's tracer sends to where it is told none. */
export function projectOfEnvironment(): string {
  return process.env["LANGSMITH_PROJECT"] ?? process.env["LANGCHAIN_PROJECT"] ?? "default";
}

function evidenceOf({ flags, score, flagged, outcome }: Finding): string {
  if (!flagged) return `It was flagged before, and ${outcome} without a flag after all.`;
  const lines = flags
    .slice(0, MOST_FLAGS)
    .map(({ rule, severity, evidence, step }) =>
      [`${rule} (${severity}): ${evidence}`, ...(step === null ? [] : [`[call ${step}]`])].join(
        " ",
      ),
    );
  return [`Score ${score.toFixed(2)}.`, ...lines].join("\n");
}
