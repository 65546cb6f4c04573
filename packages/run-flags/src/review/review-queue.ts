import type { ReviewClient } from "./review-client.ts";
import { fixedId } from "./review-ids.ts";

/** The annotation queue for runs that a person should look at. */
export interface ReviewQueue {
  /** Made with the rubric where it is missing. @default "evenkeel: flagged runs" */
  name?: string;
  /** Score from which a flagged run is queued, 0 to 1. @default 0 */
  from?: number;
  /** What the reviewer is asked. @default three questions about the outcome and its evidence */
  rubric?: string;
}

/** Name of the queue where none is given. */
export const QUEUE_NAME = "evenkeel: flagged runs";

const RUBRIC =
  "Did the run do what was asked? Is the evidence in the feedback `needs_review` right? If it failed, name the first step that went wrong.";

/** What a reviewer fills in, in LangSmith's words. */
export interface RubricItem {
  feedback_key: string;
  description: string;
}

/** The id of the queue, which is made where there is none; two processes at once make one. */
export async function findQueue(
  client: Pick<ReviewClient, "listAnnotationQueues" | "createAnnotationQueue">,
  { name = QUEUE_NAME, rubric = RUBRIC }: ReviewQueue,
  sessionId: string,
  rubricItems?: readonly RubricItem[],
): Promise<string> {
  const existing = await named(client, name);
  if (existing !== undefined) return existing;
  try {
    const made = await client.createAnnotationQueue({
      name,
      // The project is the tenant's own, and so is an id made of it.
      queueId: fixedId("queue", name, sessionId),
      description: "Runs that Evenkeel's rules flagged, and a sample of those they did not.",
      rubricInstructions: rubric,
      ...(rubricItems === undefined ? {} : { rubricItems: [...rubricItems] }),
    });
    return made.id;
  } catch (error) {
    const meanwhile = await named(client, name);
    if (meanwhile !== undefined) return meanwhile;
    throw error;
  }
}

async function named(
  client: Pick<ReviewClient, "listAnnotationQueues">,
  name: string,
): Promise<string | undefined> {
  for await (const queue of client.listAnnotationQueues({ name })) {
    if (queue.name === name) return queue.id;
  }
  return undefined;
}
