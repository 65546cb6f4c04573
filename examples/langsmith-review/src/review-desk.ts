import type { EvenkeelStore } from "@evenkeel/core";
import { SAVED_FILTERS } from "@evenkeel/run-flags";
import type { SweptRun } from "@evenkeel/run-flags";
import type { Client } from "langsmith";

const REPLACED = { REASON: "last-call-failed", CLASS: "integration-gap" };

/** What a customer says of an answer, as a product sends it to LangSmith. */
export async function complain(
  client: Client,
  project: string,
  thread: string,
  comment: string,
): Promise<void> {
  const filter = `and(eq(metadata_key, "thread_id"), eq(metadata_value, "${thread}"))`;
  const { id: sessionId } = await client.readProject({ projectName: project });
  for (const [runId] of await rootsOf(client, project, filter)) {
    await client.createFeedback({ runId, sessionId, key: "user_score", score: 0, comment });
  }
}

/** Names the customers of executions. */
export async function threadsOf(store: EvenkeelStore, runs: readonly SweptRun[]): Promise<string> {
  const records = await Promise.all(runs.map(({ executionId }) => store.getRecord(executionId)));
  return records.map((record) => record?.threadId ?? "unknown").join(", ");
}

/** Prints the annotation queue as a reviewer goes through it: the run, and why it is there. */
export async function printQueue(client: Client): Promise<void> {
  for await (const { id, name } of client.listAnnotationQueues({
    name: "evenkeel: flagged runs",
  })) {
    console.log(`  "${name}"`);
    const entries: string[] = [];
    for await (const run of client.listRunsFromAnnotationQueue(id)) {
      const { thread_id: thread } = (run.extra?.["metadata"] ?? {}) as { thread_id?: string };
      entries.push(`  ${thread ?? "unknown"}\n    ${await reasonOf(client, run.id)}`);
    }
    for (const entry of entries.toSorted((a, b) => a.localeCompare(b))) console.log(entry);
  }
}

/** The weightiest finding: the second line of the feedback, below the score. */
async function reasonOf(client: Client, runId: string): Promise<string> {
  const query = { runIds: [runId], feedbackKeys: ["needs_review"] };
  for await (const { comment } of client.listFeedback(query)) {
    const [, reason = ""] = (comment ?? "").split("\n");
    return reason;
  }
  return "sampled";
}

/** Prints every filter to save in LangSmith, with the customers it finds. */
export async function printFilters(client: Client, project: string): Promise<void> {
  for (const { title, filter } of SAVED_FILTERS) {
    const asked = Object.entries(REPLACED).reduce(
      (text, [word, value]) => text.replace(word, value),
      filter,
    );
    const found = await rootsOf(client, project, asked);
    const threads = found.map(([, thread]) => thread).toSorted((a, b) => a.localeCompare(b));
    console.log(`  ${title}: ${threads.join(", ") || "none"}`);
    console.log(`    ${asked}`);
  }
}

/** Root runs that a filter finds, by id, with the thread each belongs to. */
async function rootsOf(
  client: Client,
  projectName: string,
  filter: string,
): Promise<[id: string, thread: string][]> {
  const { id } = await client.readProject({ projectName });
  const found: [string, string][] = [];
  const selects = ["ID" as const, "THREAD_ID" as const];
  const query = { project_ids: [id], is_root: true, filter, selects };
  for await (const run of client.runs.query(query)) {
    if (run.id !== undefined) found.push([run.id, run.thread_id ?? "unknown"]);
  }
  return found;
}
