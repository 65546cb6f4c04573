import type { RootRunFacts } from "@evenkeel/core";

import type { Judgement } from "../judge.ts";
import type { Outbox } from "./outbox.ts";
import { fixedId, inSample } from "./review-ids.ts";

/** The calls of the `langsmith` client that a review needs; `new Client()` is one. */
export interface ReviewClient {
  readProject(project: { projectName: string }): Promise<{ id: string }>;
  createFeedback(feedback: {
    runId: string;
    sessionId: string;
    key: string;
    score: number;
    comment: string;
    feedbackId: string;
    sourceInfo: Record<string, string>;
    extendTraceRetention: false;
  }): Promise<unknown>;
  listAnnotationQueues(query: { name: string }): AsyncIterable<{ id: string; name: string }>;
  createAnnotationQueue(queue: {
    name: string;
    description: string;
    rubricInstructions: string;
  }): Promise<{ id: string }>;
  addRunsToAnnotationQueue(
    queueId: string,
    runs: { runId: string; sessionId: string; startTime: string }[],
  ): Promise<unknown>;
}

/** The annotation queue for runs that a person should look at. */
export interface ReviewQueue {
  /** Made with the rubric where it is missing. @default "evenkeel: flagged runs" */
  name?: string;
  /** Score from which a flagged run is queued, 0 to 1. @default 0 */
  from?: number;
  /** What the reviewer is asked. @default three questions about the outcome and its evidence */
  rubric?: string;
}

/** Where flagged runs are reviewed in LangSmith. */
export interface LangSmithReviewOptions {
  client: ReviewClient;
  /** Feedback `needs_review` on flagged runs. @default true */
  feedback?: boolean;
  /** False for none. @default a queue with the default name */
  queue?: ReviewQueue | false;
}

/** A run to be reviewed. */
interface ReviewedRun {
  executionId: string;
  judgement: Judgement;
  root: RootRunFacts;
  sampleGood: number;
}

/** Sends runs to LangSmith's review, in the background. */
export type Review = (run: ReviewedRun) => void;

const RUBRIC =
  "Did the run do what was asked? Is the evidence in the feedback `needs_review` right? If it failed, name the first step that went wrong.";

/** Makes the sender of feedback and queue items. */
export function langSmithReview(options: LangSmithReviewOptions, outbox: Outbox): Review {
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

  async function queueId({ name = "evenkeel: flagged runs", rubric }: ReviewQueue) {
    return once("queue", async () => {
      for await (const existing of client.listAnnotationQueues({ name })) {
        if (existing.name === name) return existing.id;
      }
      const made = await client.createAnnotationQueue({
        name,
        description: "Runs that Evenkeel's rules flagged, and a sample of those they did not.",
        rubricInstructions: rubric ?? RUBRIC,
      });
      return made.id;
    });
  }

  return ({ executionId, judgement, root, sampleGood }) => {
    const { flagged, score } = judgement;
    const { id: runId, project, startTime } = root;
    if (project === null) return;
    if (flagged && feedback) {
      outbox.post(`Feedback on execution ${executionId}`, async () =>
        client.createFeedback({
          runId,
          sessionId: await sessionOf(project),
          key: "needs_review",
          score: 1,
          comment: evidenceOf(judgement),
          feedbackId: fixedId("needs_review", executionId),
          sourceInfo: { by: "evenkeel", execution_id: executionId },
          extendTraceRetention: false,
        }),
      );
    }
    const wanted =
      queue !== false && (flagged ? score >= (queue.from ?? 0) : inSample(executionId, sampleGood));
    if (!wanted || startTime === null) return;
    outbox.post(`Queueing of execution ${executionId}`, async () => {
      const sessionId = await sessionOf(project);
      await client.addRunsToAnnotationQueue(await queueId(queue), [
        { runId, sessionId, startTime },
      ]);
    });
  };
}

function evidenceOf({ flags, score }: Judgement): string {
  const lines = flags
    .slice(0, 10)
    .map(({ rule, severity, evidence, step }) =>
      [`${rule} (${severity}): ${evidence}`, ...(step === null ? [] : [`[call ${step}]`])].join(
        " ",
      ),
    );
  return [`Score ${score.toFixed(2)}.`, ...lines].join("\n");
}
