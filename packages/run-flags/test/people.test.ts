import { memoryStore } from "@evenkeel/core";
import type { EvenkeelStore } from "@evenkeel/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { flagExecution, flagsFromFeedback, runFlagsMiddleware } from "../src/index.ts";
import type { FeedbackFlag, KeptRun } from "../src/index.ts";
import { missingField, placeMissing } from "../src/people/missing-field.ts";
import { recordRun } from "../src/record-run.ts";
import { knowsField } from "../src/shape/result-fields.ts";
import { ok, sampleRun, turn } from "./sample-run.ts";
import { PROJECT, flagTags, localReview } from "./support/local-review.ts";
import type { LocalReview } from "./support/local-review.ts";
import { BAD, GOOD } from "./support/refund-agent.ts";

let local: LocalReview;
let store: EvenkeelStore;
beforeEach(async () => {
  local = await localReview();
  store = memoryStore();
});
afterEach(() => local.endpoint.close());

async function recordOf(thread: string) {
  const [record] = await store.listRecords({ threadId: thread });
  return { id: record?.executionId ?? "", kept: record?.facts["runFlags"] as KeptRun };
}

async function run(thread: string, script = GOOD): Promise<void> {
  const flags = runFlagsMiddleware({ store, langsmith: { client: local.client } });
  await local.traced(script, flags, { thread });
  await flags.flush();
}

describe("a person's flag", () => {
  test("reaches record, audit, tags, feedback and queue, once", async () => {
    await run("t");
    const { id } = await recordOf("t");
    const langsmith = { client: local.client };
    const why = { reason: "Wrong amount!", actor: "ada", comment: "40, not 14", store, langsmith };
    await flagExecution(id, why);
    await flagExecution(id, why);
    const { kept } = await recordOf("t");
    expect(kept).toMatchObject({ clean: false, review: { state: "sent" } });
    expect(await store.listAudit({ executionId: id })).toMatchObject([
      {
        act: "flag-execution",
        actor: "ada",
        reason: "Wrong amount!",
        detail: { comment: "40, not 14" },
      },
    ]);
    const root = local.rootOf("t");
    expect(flagTags(root?.tags)).toEqual(["evenkeel:flag:wrong-amount"]);
    expect(root?.metadata).toMatchObject({
      evenkeel_flag_reason: "wrong-amount",
      evenkeel_flag_severity: "high",
    });
    expect(root?.outputs).toBeDefined();
    expect(local.endpoint.feedback).toMatchObject([{ run_id: root?.id, score: 1 }]);
    expect(local.endpoint.feedback[0]?.comment).toContain("Flagged by ada: 40, not 14");
    expect(local.endpoint.queues).toMatchObject([{ items: [{ run_id: root?.id }] }]);
  });

  test("joins what the rules found, in one feedback", async () => {
    await run("t", BAD);
    const { id } = await recordOf("t");
    const langsmith = { client: local.client };
    await flagExecution(id, { reason: "rude", actor: "ada", store, langsmith });
    expect(flagTags(local.rootOf("t")?.tags)).toEqual(
      expect.arrayContaining(["evenkeel:flag:rude", "evenkeel:flag:last-call-failed"]),
    );
    expect(local.endpoint.feedback).toHaveLength(1);
    expect(local.endpoint.feedback[0]?.comment).toContain("last-call-failed");
  });

  test("does not happen where it cannot be audited", async () => {
    await run("t");
    const { id } = await recordOf("t");
    const deaf: EvenkeelStore = {
      ...store,
      appendAudit: () => Promise.reject(new Error("disk full")),
    };
    const flag = flagExecution(id, { reason: "rude", actor: "ada", store: deaf });
    await expect(flag).rejects.toThrow("disk full");
    expect((await recordOf("t")).kept.people).toEqual([]);
  });
});

describe("user feedback in LangSmith", () => {
  const say = async (thread: string, given: { score?: number; comment?: string; key?: string }) => {
    const root = local.rootOf(thread);
    await local.client.createFeedback({
      runId: root?.id ?? "",
      sessionId: root?.session_id ?? "",
      key: "user_score",
      ...given,
    });
  };
  const collect = (since = Date.now() - 60_000): Promise<FeedbackFlag[]> =>
    flagsFromFeedback({ client: local.client, store, since, review: { project: PROJECT } });

  test("of a missing field raises integration-gap, with the tool and the field, once", async () => {
    await run("t");
    await say("t", {
      score: 0,
      comment: "The get order lookup didn't include the tracking number.",
    });
    const { id } = await recordOf("t");
    expect(await collect()).toMatchObject([
      { executionId: id, reason: "integration-gap", tool: "get_order", field: "tracking number" },
    ]);
    expect(await collect()).toEqual([]);
    const { kept } = await recordOf("t");
    expect(kept.people).toMatchObject([
      { failureClass: "integration-gap", tool: "get_order", field: "tracking number" },
    ]);
    expect(await store.listAudit({ executionId: id })).toMatchObject([
      { act: "flag-from-feedback", reason: "integration-gap", actor: "langsmith:api" },
    ]);
    const root = local.rootOf("t");
    expect(flagTags(root?.tags)).toEqual(["evenkeel:flag:integration-gap"]);
    expect(root?.metadata).toMatchObject({ evenkeel_failure_class: "integration-gap" });
    expect(local.endpoint.feedback.map(({ key }) => key).toSorted()).toEqual([
      "needs_review",
      "user_score",
    ]);
    expect(local.endpoint.queues.map(({ items }) => items.length)).toEqual([1]);
  });

  test("of a field a tool did return is no gap of the tool", async () => {
    await run("t");
    await say("t", { score: 0, comment: "It didn't mention the total." });
    expect(await collect()).toMatchObject([{ reason: "answer-incomplete", field: "total" }]);
  });

  test("without words, and praise, and what is old, and of strangers", async () => {
    await run("down");
    await run("up");
    await say("down", { score: 0 });
    await say("up", { score: 1, comment: "Nothing is missing, thank you!" });
    await local.client
      .createFeedback({
        runId: "01900000-0000-7000-8000-000000000000",
        sessionId: local.rootOf("up")?.session_id ?? "",
        key: "user_score",
        score: 0,
      })
      .catch(() => undefined);
    const { id } = await recordOf("down");
    expect(await collect(Date.now() + 60_000)).toEqual([]);
    expect(await collect()).toMatchObject([
      { executionId: id, reason: "user-feedback", tool: null, field: null },
    ]);
  });

  test("is refused a moment that is none", async () => {
    await expect(collect(Number.NaN)).rejects.toMatchObject({
      code: "invalid-options",
      details: { option: "since" },
    });
  });
});

describe("what a comment misses", () => {
  test.each([
    ["the agent didn't include the tracking number", "tracking number"],
    ["It did not mention my delivery date at all, please fix", "delivery date"],
    ["The answer doesn’t contain the VAT ID.", "VAT ID"],
    ["forgot the phone number of the shop", "phone number"],
    ["The invoice total is missing!", "invoice total"],
    ["missing order status", "order status"],
    ["never told me the price; useless", "price"],
    ["no tracking link", "tracking link"],
    ["The refund date was not included in the answer", "refund date"],
  ])("%s", (comment, field) => {
    expect(missingField(comment)).toBe(field);
  });

  test.each(["Great, thanks!", "This is wrong.", "", "I do not like it"])(
    "nothing: %s",
    (comment) => {
      expect(missingField(comment)).toBeUndefined();
    },
  );

  test("a hostile comment is read all the same", () => {
    expect(missingField("didn't include ".repeat(50_000))).toBeUndefined();
    expect(missingField(`no ${"b ".repeat(100_000)}`)).toBeUndefined();
  });

  test("the tool is named where the run tells, and not guessed", () => {
    const read = ok("get_order", {}, '{"id": 1, "total": 40}');
    const ship = ok("get_shipment", {}, "Carrier: DHL\nDelivery date: tomorrow\n");
    const of = (...calls: ReturnType<typeof ok>[]) =>
      recordRun(sampleRun({ turns: [turn(calls), turn([], "Done.")] }));
    const place = (report: ReturnType<typeof of>, field: string, comment = field) =>
      placeMissing(field, comment, report);
    expect(place(of(read), "tracking number")).toMatchObject({ tool: "get_order", lacking: true });
    expect(place(of(read, ship), "tracking number").tool).toBeNull();
    expect(place(of(read, ship), "weight", "the shipment has no weight").tool).toBe("get_shipment");
    expect(place(of(read, ship), "delivery dates").lacking).toBe(false);
    expect(place(of(read, ship), "total").lacking).toBe(false);
  });

  test("fields are the same however they are written", () => {
    const [call] = [ok("a", {}, '{"trackingNumber": 1, "order_id": 2}')];
    const report = recordRun(sampleRun({ turns: [turn([call]), turn([], "Done.")] }));
    const { fields = [] } = report.tools["a"] ?? {};
    expect(knowsField(fields, "Tracking number")).toBe(true);
    expect(knowsField(fields, "order ID")).toBe(true);
    expect(knowsField(fields, "number")).toBe(false);
    expect(JSON.stringify(report)).not.toContain("trackingNumber");
  });
});
