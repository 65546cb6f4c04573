import { NEEDS_REVIEW, projectOfEnvironment } from "./langsmith-review.ts";
import { isNotFound } from "./outbox.ts";
import type { ReviewClient } from "./review-client.ts";
import { findQueue } from "./review-queue.ts";
import { QUEUE_NAME, type ReviewQueue } from "./review-queue.ts";
import { SAVED_FILTERS, type SavedFilter } from "./saved-filters.ts";

/** How scores under a feedback key are read, in LangSmith's words. */
interface FeedbackSetting {
  feedbackKey: string;
  feedbackConfig: {
    type: "categorical";
    categories: { value: number; label: string }[];
  };
  isLowerScoreBetter: boolean;
}

/** The calls of the `langsmith` client by which a review is set up; `new Client()` has them. */
export interface SetupClient extends Pick<
  ReviewClient,
  "readProject" | "listAnnotationQueues" | "createAnnotationQueue"
> {
  createFeedbackConfig(setting: FeedbackSetting): Promise<unknown>;
}

/** What {@link setUpReview} is told. */
export interface SetUpReviewOptions {
  /** Creates what it can; without one everything is only printed. @default none */
  client?: SetupClient;
  /** The queue as the middleware has it. @default the queue with the default name */
  queue?: ReviewQueue;
  /** The project the runs are traced to. @default what LANGSMITH_PROJECT says, else "default" */
  project?: string;
}

/** What a review in LangSmith needs, and what of it is there now. */
export interface ReviewSetup {
  queue: { name: string; id: string | null };
  feedback: { key: string; state: "created" | "to-create" | "differs" }[];
  filters: readonly SavedFilter[];
  /** All of it for people: what was done, and what is to be done by hand. */
  text: string;
}

/** Key under which a reviewer says whether a flag was right. */
const REVIEW_VERDICT = "review_verdict";

const SETTINGS: readonly FeedbackSetting[] = [
  setting(NEEDS_REVIEW, "fine after all", "needs review", true),
  setting(REVIEW_VERDICT, "false alarm", "real problem", true),
];

/**
 * Sets up LangSmith for review: the annotation queue with its rubric and the meaning of the feedback
 * scores are created where a client is given; LangSmith's client creates no saved filters, so they
 * are printed to paste. Run again, it changes nothing that is there.
 *
 * Error behavior: what the client throws goes through, except that settings which are there and
 * differ are left alone and said.
 */
export async function setUpReview({
  client,
  queue = {},
  project = projectOfEnvironment(),
}: SetUpReviewOptions = {}): Promise<ReviewSetup> {
  const { name = QUEUE_NAME } = queue;
  const feedback: ReviewSetup["feedback"] = [];
  for (const one of SETTINGS) {
    const state = client === undefined ? ("to-create" as const) : await create(client, one);
    feedback.push({ key: one.feedbackKey, state });
  }
  // The rubric asks for a verdict, whose meaning has to be there first.
  const id = client === undefined ? null : await queueId(client, queue, project);
  const setup = { queue: { name, id }, feedback, filters: SAVED_FILTERS };
  return { ...setup, text: describe(setup, project) };
}

const RUBRIC_ITEMS = [
  { feedback_key: REVIEW_VERDICT, description: "Is what the flag says a real problem?" },
];

async function queueId(
  client: SetupClient,
  queue: ReviewQueue,
  projectName: string,
): Promise<string> {
  const project = await client.readProject({ projectName }).catch((error: unknown) => {
    // Nothing was traced yet, which is the moment to set things up.
    if (isNotFound(error)) return { id: projectName };
    throw error;
  });
  return findQueue(client, queue, project.id, RUBRIC_ITEMS);
}

async function create(client: SetupClient, one: FeedbackSetting): Promise<"created" | "differs"> {
  try {
    await client.createFeedbackConfig(one);
    return "created";
  } catch (error) {
    // An equal setting is answered as it is; 400 says that another one is in force.
    const { status } = (error ?? {}) as { status?: unknown };
    if (status === 400 || status === 409) return "differs";
    throw error;
  }
}

function describe(
  { queue, feedback, filters }: Omit<ReviewSetup, "text">,
  project: string,
): string {
  const states = {
    created: "is there",
    "to-create": "to create",
    differs: "is there, and differs",
  };
  return [
    `Review in LangSmith, project "${project}"`,
    "",
    `Annotation queue "${queue.name}": ${queue.id === null ? "made with the first flagged run" : `is there (${queue.id})`}`,
    ...SETTINGS.map(({ feedbackKey, feedbackConfig: { categories } }) => {
      const meaning = categories.map(({ value, label }) => `${value} = ${label}`).join(", ");
      const state = feedback.find(({ key }) => key === feedbackKey)?.state ?? "to-create";
      return `Feedback "${feedbackKey}" (${meaning}): ${states[state]}`;
    }),
    "",
    "Filters to paste, each over root runs, then saved as a view:",
    ...filters.flatMap(({ title, filter }) => ["", `  ${title}`, `  ${filter}`]),
    "",
  ].join("\n");
}

function setting(
  feedbackKey: string,
  zero: string,
  one: string,
  isLowerScoreBetter: boolean,
): FeedbackSetting {
  return {
    feedbackKey,
    feedbackConfig: {
      type: "categorical",
      categories: [
        { value: 0, label: zero },
        { value: 1, label: one },
      ],
    },
    isLowerScoreBetter,
  };
}
