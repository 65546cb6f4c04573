import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { sweepStale } from "../src/index.ts";
import type { SweptRun } from "../src/index.ts";
import { REQUESTS } from "./support/flags-job.ts";
import { flagsWorld } from "./support/flags-world.ts";
import type { FlagsWorld } from "./support/flags-world.ts";

let world: FlagsWorld;
beforeAll(async () => {
  world = await flagsWorld();
});
afterAll(() => world?.close());

/** The sweep of another process, an hour later. */
function sweep(): Promise<SweptRun[]> {
  const { store, client } = world;
  return sweepStale({
    store,
    olderThanMs: 3_600_000,
    langsmith: { client, project: "refunds" },
    clock: () => Date.now() + 7_200_000,
  });
}

const flagTags = (tags: readonly string[] = []): string[] =>
  tags.filter((tag) => tag.startsWith("evenkeel:flag:"));

describe("an execution whose process was killed in a tool", () => {
  const thread = "killed";
  let feedbackId: string | undefined;

  test("is at work until a sweep finds it dead and has it reviewed, once", async () => {
    await world.kill({ thread, input: REQUESTS.good }, "tool");
    await world.langsmith.until(() => world.langsmith.roots().length > 0);
    expect((await world.seen(thread)).status).toBe("running");
    const [swept, ...others] = await sweep();
    expect(others).toEqual([]);
    expect(swept).toMatchObject({ outcome: "died" });
    const { status, kept, roots, feedback, queued } = await world.seen(thread);
    expect(status).toBe("failed");
    expect(kept).toMatchObject({ report: { outcome: "died" }, review: { state: "sent" } });
    const [root] = roots;
    expect(root?.status).toBe("pending");
    expect(flagTags(root?.tags)).toEqual(["evenkeel:flag:ended-in-error"]);
    expect(feedback).toMatchObject([{ key: "needs_review", score: 1, run_id: root?.id }]);
    expect(queued).toEqual([root?.id]);
    feedbackId = feedback[0]?.id;
    expect(await sweep()).toEqual([]);
    expect((await world.seen(thread)).feedback).toHaveLength(1);
  });

  test("is taken back once it was resumed and came to its end, under the same ids", async () => {
    await world.run({ thread, input: null });
    const { status, kept, roots, feedback, queued } = await world.seen(thread);
    expect(status).toBe("completed");
    expect(kept).toMatchObject({
      report: { outcome: "completed", resumes: 1, modelCalls: 3, toolCalls: 2 },
      judgement: { flagged: false },
    });
    expect(roots).toHaveLength(1);
    expect(flagTags(roots[0]?.tags)).toEqual([]);
    expect(feedback).toMatchObject([{ id: feedbackId, score: 0, run_id: roots[0]?.id }]);
    expect(queued).toEqual([roots[0]?.id]);
  });
});

describe("a flagged execution whose process was killed while it told LangSmith", () => {
  test.each(["feedback", "queue"] as const)(
    "is told by the sweep what was left, and nothing twice: %s",
    async (at) => {
      const thread = `told-${at}`;
      await world.kill({ thread, input: REQUESTS.bad }, at);
      const before = await world.seen(thread);
      expect(before.status).toBe("completed");
      expect(before.kept?.review?.state).toBe("due");
      world.langsmith.fail({ status: 404 }, { path: /feedback$/, times: 1 });
      await sweep();
      const { kept, roots, feedback, queued } = await world.seen(thread);
      expect(kept?.review?.state).toBe("sent");
      expect(feedback).toMatchObject([{ key: "needs_review", score: 1, run_id: roots[0]?.id }]);
      expect(queued).toEqual([roots[0]?.id]);
      expect(feedback[0]?.id).toBe(before.feedback[0]?.id);
    },
  );

  test("is told by the process that resumes it as well", async () => {
    const thread = "resumed";
    await world.kill({ thread, input: REQUESTS.bad }, "feedback");
    await world.run({ thread, input: null });
    const { kept, roots, feedback, queued } = await world.seen(thread);
    expect(kept?.review?.state).toBe("sent");
    expect(feedback).toMatchObject([{ key: "needs_review", score: 1, run_id: roots[0]?.id }]);
    expect(queued).toEqual([roots[0]?.id]);
  });
});

describe("an execution that failed, and was resumed in another process", () => {
  test("has one feedback and one place in the queue, with what was found last", async () => {
    const thread = "failed-twice";
    expect((await world.run({ thread, input: REQUESTS.bad, broken: true })).failure).toBe(
      "The node is broken.",
    );
    const first = await world.seen(thread);
    expect(first.status).toBe("failed");
    expect(first.feedback).toMatchObject([{ score: 1, run_id: first.roots[0]?.id }]);
    expect(flagTags(first.roots[0]?.tags)).toContain("evenkeel:flag:ended-in-error");
    await world.run({ thread, input: null });
    const { status, roots, feedback, queued } = await world.seen(thread);
    expect(status).toBe("completed");
    expect(roots).toHaveLength(1);
    expect(flagTags(roots[0]?.tags)).toContain("evenkeel:flag:last-call-failed");
    expect(flagTags(roots[0]?.tags)).not.toContain("evenkeel:flag:ended-in-error");
    expect(feedback).toMatchObject([{ id: first.feedback[0]?.id, score: 1 }]);
    expect(feedback[0]?.comment).toContain("last-call-failed");
    expect(queued).toEqual([roots[0]?.id]);
  });
});

describe("an execution that waited for a person", () => {
  test("and too long, is flagged by the sweep and cleared by its answer", async () => {
    const thread = "asked";
    await world.run({ thread, input: REQUESTS.asking });
    expect((await world.seen(thread)).status).toBe("interrupted");
    expect(await sweep()).toMatchObject([{ outcome: "interrupted" }]);
    const waiting = await world.seen(thread);
    expect(flagTags(waiting.roots[0]?.tags)).toEqual(["evenkeel:flag:paused-too-long"]);
    await world.run({ thread, input: { answer: "yes" } });
    const { status, roots, feedback } = await world.seen(thread);
    expect(status).toBe("completed");
    expect(flagTags(roots[0]?.tags)).toEqual([]);
    expect(feedback).toMatchObject([{ id: waiting.feedback[0]?.id, score: 0 }]);
  });
});

describe("an execution that was killed and never resumed", () => {
  test("ends as superseded with the next input on its thread", async () => {
    const thread = "superseded";
    await world.kill({ thread, input: REQUESTS.good }, "model");
    await world.run({ thread, input: REQUESTS.good });
    const records = await world.store.listRecords({ threadId: thread });
    expect(records.map(({ status }) => status)).toEqual(["completed", "superseded"]);
    const [, ended] = records;
    expect(ended?.facts["runFlags"]).toMatchObject({
      report: { outcome: "superseded" },
      judgement: { flags: [{ rule: "superseded" }] },
    });
  });
});
