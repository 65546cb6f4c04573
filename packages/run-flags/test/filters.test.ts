import { memoryStore } from "@evenkeel/core";
import { Command, MemorySaver } from "@langchain/langgraph";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { SAVED_FILTERS, flagExecution, runFlagsMiddleware, setUpReview } from "../src/index.ts";
import { PROJECT, flagTags, localReview } from "./support/local-review.ts";
import type { LocalReview } from "./support/local-review.ts";
import { ASKING, BAD, GOOD } from "./support/refund-agent.ts";
import type { Script } from "./support/refund-agent.ts";

let local: LocalReview;

/** Asks a person, and then gives up: flagged in another part than the one that began it. */
const ASKED_IN_VAIN: Script = [
  { toolCalls: [{ id: "c1", name: "get_order", args: { id: "A-1001" } }] },
  { toolCalls: [{ id: "c2", name: "approve", args: {} }] },
  { toolCalls: [{ id: "c3", name: "broken", args: {} }] },
  { content: "I'm sorry, I could not refund the order." },
];

beforeAll(async () => {
  local = await localReview();
  const { client, traced } = local;
  const store = memoryStore();
  const flags = runFlagsMiddleware({ store, langsmith: { client } });
  const broken = (turns: number) => (turn: number) => {
    if (turn === turns) throw new Error("the node is broken");
  };
  await traced(GOOD, flags, { thread: "good" });
  await traced(BAD, flags, { thread: "bad" });
  await traced(GOOD, flags, { thread: "failed", beforeModel: broken(1) });
  const asked = { thread: "asked in vain", checkpointer: new MemorySaver() };
  await traced(ASKED_IN_VAIN, flags, asked);
  await traced(ASKED_IN_VAIN, flags, { ...asked, input: new Command({ resume: "no" }) });
  const answered = { thread: "answered", checkpointer: new MemorySaver() };
  await traced(ASKING, flags, answered);
  await traced(ASKING, flags, { ...answered, input: new Command({ resume: "yes" }) });
  const mended = { thread: "mended", checkpointer: new MemorySaver() };
  await traced(GOOD, flags, { ...mended, beforeModel: broken(2) });
  await flags.flush();
  await traced(GOOD, flags, { ...mended, input: null });
  await traced(GOOD, flags, { thread: "rude" });
  await flags.flush();
  const [rude] = await store.listRecords({ threadId: "rude" });
  const why = { reason: "rude", actor: "ada", failureClass: "policy" as const };
  await flagExecution(rude?.executionId ?? "", { ...why, store, langsmith: { client } });
});
afterAll(() => local?.endpoint.close());

async function threads(title: string, replaced: Readonly<Record<string, string>> = {}) {
  let filter = SAVED_FILTERS.find((one) => one.title === title)?.filter ?? "none";
  for (const [word, value] of Object.entries(replaced)) filter = filter.replace(word, value);
  const ids = await local.found(filter);
  return local.endpoint
    .roots()
    .filter(({ id }) => ids.includes(id))
    .map(({ thread_id: thread = "none" }) => thread)
    .toSorted((one, other) => one.localeCompare(other));
}

describe("the saved filters, over root runs", () => {
  test.each([
    ["everything that is flagged", {}, ["asked in vain", "bad", "failed", "rude"]],
    [
      "flagged for one reason among others",
      { REASON: "last-call-failed" },
      ["asked in vain", "bad"],
    ],
    ["flagged for one reason above all", { REASON: "ended-in-error" }, ["failed"]],
    ["of one severity", {}, ["failed", "rude"]],
    ["of one class of failure", { CLASS: "policy" }, ["rude"]],
    ["flagged for one reason, and expensive", { REASON: "last-call-failed", 5000: "300" }, ["bad"]],
    ["flagged for one reason, and expensive", { REASON: "last-call-failed" }, []],
    ["under one configuration", { HASH: "none" }, []],
    ["flagged once, and fine after all", {}, ["mended"]],
  ] as const)("%s", async (title, replaced, expected) => {
    expect(await threads(title, replaced)).toEqual(expected);
  });

  test("find by tags what they find by feedback: the flagged runs and no other", () => {
    const tagged = local.endpoint.roots().filter(({ tags }) => flagTags(tags).length > 0);
    const threads = new Set(tagged.map(({ thread_id: thread }) => thread));
    expect(threads).toEqual(new Set(["asked in vain", "bad", "failed", "rude"]));
    const queued = local.endpoint.queues.flatMap(({ items }) => items.map(({ run_id: id }) => id));
    expect(queued).toHaveLength(5);
    expect(new Set(queued)).toEqual(
      new Set([...tagged.map(({ id }) => id), local.rootOf("mended")?.id]),
    );
  });

  test("are all tried here", () => {
    expect(SAVED_FILTERS).toHaveLength(8);
  });
});

describe("setting a review up", () => {
  test("prints everything where there is no client", async () => {
    const { text, queue, feedback } = await setUpReview({ project: PROJECT });
    for (const { filter } of SAVED_FILTERS) expect(text).toContain(filter);
    expect(queue.id).toBeNull();
    expect(feedback.map(({ state }) => state)).toEqual(["to-create", "to-create"]);
  });

  test("creates queue and feedback once, and says what differs", async () => {
    const { client, endpoint } = await localReview();
    try {
      const options = { client, project: PROJECT };
      const first = await setUpReview(options);
      const second = await setUpReview(options);
      expect(first.queue.id).toBe(second.queue.id);
      expect(first.feedback.map(({ state }) => state)).toEqual(["created", "created"]);
      expect(second.feedback.map(({ state }) => state)).toEqual(["created", "created"]);
      expect(endpoint.queues).toMatchObject([
        { name: "evenkeel: flagged runs", rubric_items: [{ feedback_key: "review_verdict" }] },
      ]);
      await client.updateFeedbackConfig("needs_review", {
        feedbackConfig: { type: "continuous", min: 0, max: 10 },
      });
      const third = await setUpReview(options);
      expect(third.feedback[0]).toEqual({ key: "needs_review", state: "differs" });
      expect(third.text).toContain("is there, and differs");
    } finally {
      await endpoint.close();
    }
  });
});
