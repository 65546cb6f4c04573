import { Client, uuid7 } from "langsmith";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { type LangSmithEndpoint, startLangSmithEndpoint } from "../src/langsmith/endpoint.ts";

let endpoint: LangSmithEndpoint;
let client: Client;
let projectId: string;

beforeEach(async () => {
  endpoint = await startLangSmithEndpoint();
  client = new Client({
    apiUrl: endpoint.url,
    apiKey: "key",
    callerOptions: { maxRetries: 0 },
  });
  projectId = (await client.createProject({ projectName: "reviews" })).id;
});
afterEach(() => endpoint.close());

interface Sent {
  name?: string;
  run_type?: string;
  tags?: string[];
  metadata?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
  error?: string;
  tokens?: number;
  parent?: { id: string; trace_id: string; dotted_order: string };
}

let order = 0;

/** Sends one finished run, by the queue and the multipart route. */
async function send(
  sent: Sent = {},
): Promise<{ id: string; trace_id: string; dotted_order: string }> {
  const { name = "agent", run_type = "chain", tags = [], metadata = {}, parent, tokens } = sent;
  const id = uuid7();
  order += 1;
  const started = Date.now() - 60_000 + order;
  const stamp = new Date(started).toISOString().replaceAll(/[-:.Z]/g, "");
  const own = `${stamp}000Z${id}`;
  const run = {
    id,
    name,
    run_type,
    trace_id: parent?.trace_id ?? id,
    dotted_order: parent === undefined ? own : `${parent.dotted_order}.${own}`,
    ...(parent === undefined ? {} : { parent_run_id: parent.id }),
    inputs: { question: `about ${name}` },
    outputs: sent.outputs ?? { answer: 42 },
    ...(sent.error === undefined ? {} : { error: sent.error }),
    start_time: started,
    end_time: started + 1500,
    tags,
    extra: {
      metadata: {
        ...metadata,
        ...(tokens === undefined
          ? {}
          : { usage_metadata: { input_tokens: tokens, output_tokens: 0, total_tokens: tokens } }),
      },
    },
    project_name: "reviews",
  };
  await client.createRun(run);
  await client.flush();
  return run;
}

async function namesAndTraces(query: {
  filter?: string;
  trace_filter?: string;
  tree_filter?: string;
}): Promise<unknown[]> {
  const selects = ["TRACE_ID" as const, "NAME" as const];
  const runs = await collect(client.runs.query({ project_ids: [projectId], selects, ...query }));
  return runs.map(({ name, trace_id: trace }) => [name, trace]);
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe("feedback", () => {
  test("is created, read, listed, updated and deleted", async () => {
    const run = await send();
    const created = await client.createFeedback({
      runId: run.id,
      sessionId: projectId,
      key: "needs_review",
      score: 1,
      value: "loop",
      comment: "three times the same call",
      sourceInfo: { by: "evenkeel" },
      extendTraceRetention: false,
    });
    expect(endpoint.feedback).toMatchObject([
      {
        id: created.id,
        run_id: run.id,
        trace_id: run.id,
        session_id: projectId,
        key: "needs_review",
        score: 1,
        value: "loop",
        feedback_source: { type: "api", metadata: { by: "evenkeel" } },
        extend_trace_retention: false,
      },
    ]);
    await client.updateFeedback(created.id, { score: 0, comment: "it polled" });
    expect(await client.readFeedback(created.id)).toMatchObject({
      score: 0,
      value: "loop",
      comment: "it polled",
    });
    const other = await send();
    expect(await collect(client.listFeedback({ runIds: [run.id] }))).toHaveLength(1);
    expect(await collect(client.listFeedback({ runIds: [other.id] }))).toEqual([]);
    expect(await collect(client.listFeedback({ feedbackKeys: ["other"] }))).toEqual([]);
    await client.deleteFeedback(created.id);
    await expect(client.readFeedback(created.id)).rejects.toThrow("404");
  });

  test("sent twice under one id is there once", async () => {
    const { id: runId } = await send();
    const feedbackId = uuid7();
    for (const score of [1, 1, 0]) {
      await client.createFeedback({ runId, sessionId: projectId, feedbackId, key: "k", score });
    }
    expect(endpoint.feedback).toMatchObject([{ id: feedbackId, score: 0 }]);
  });

  test("on a run that is not there is a 404 until it is ingested", async () => {
    endpoint.holdIngestion();
    const { id: runId } = await send();
    const create = () => client.createFeedback({ runId, sessionId: projectId, key: "k", score: 1 });
    await expect(create()).rejects.toMatchObject({ status: 404 });
    expect(endpoint.feedback).toEqual([]);
    endpoint.releaseIngestion();
    await create();
    expect(endpoint.feedback).toHaveLength(1);
  });

  test("on a run unknown is taken where runs need not be there", async () => {
    const lax = await startLangSmithEndpoint({ requireIngestedRuns: false });
    const laxClient = new Client({ apiUrl: lax.url, apiKey: "key" });
    await laxClient.createFeedback({ runId: uuid7(), sessionId: projectId, key: "k", score: 1 });
    expect(lax.feedback).toHaveLength(1);
    await lax.close();
  });

  test("comes from a presigned address without a key", async () => {
    const { id } = await send();
    const { url } = await client.createPresignedFeedbackToken(id, "user_rating");
    await fetch(`${url}?score=0&comment=wrong`);
    expect(endpoint.feedback).toMatchObject([
      { run_id: id, key: "user_rating", score: 0, comment: "wrong" },
    ]);
    expect(await collect(client.listPresignedFeedbackTokens(id))).toMatchObject([{ url }]);
  });

  test("has configurations that may be repeated but not contradicted", async () => {
    const options = {
      feedbackKey: "needs_review",
      feedbackConfig: { type: "continuous" as const, min: 0, max: 1 },
    };
    const first = await client.createFeedbackConfig(options);
    expect(await client.createFeedbackConfig(options)).toEqual(first);
    await expect(
      client.createFeedbackConfig({ ...options, feedbackConfig: { type: "freeform" } }),
    ).rejects.toThrow("400");
    await client.updateFeedbackConfig("needs_review", { isLowerScoreBetter: true });
    expect(await collect(client.listFeedbackConfigs({ nameContains: "review" }))).toMatchObject([
      { feedback_key: "needs_review", is_lower_score_better: true },
    ]);
    await client.deleteFeedbackConfig("needs_review");
    expect(await collect(client.listFeedbackConfigs())).toEqual([]);
  });
});

describe("annotation queues", () => {
  test("are created with a rubric, listed, changed and deleted", async () => {
    const created = await client.createAnnotationQueue({
      name: "flagged",
      description: "runs to look at",
      rubricInstructions: "Say why.",
      rubricItems: [{ feedback_key: "needs_review", description: "is it bad?" }],
    });
    expect(await collect(client.listAnnotationQueues({ name: "flagged" }))).toMatchObject([
      { id: created.id, description: "runs to look at" },
    ]);
    expect(await collect(client.listAnnotationQueues({ nameContains: "other" }))).toEqual([]);
    await client.updateAnnotationQueue(created.id, { description: "changed" });
    expect(await client.readAnnotationQueue(created.id)).toMatchObject({
      description: "changed",
      rubric_instructions: "Say why.",
      rubric_items: [{ feedback_key: "needs_review" }],
    });
    await client.deleteAnnotationQueue(created.id);
    await expect(client.readAnnotationQueue(created.id)).rejects.toMatchObject({ status: 404 });
  });

  test("take runs by key and by id, each run once", async () => {
    const { id: queueId } = await client.createAnnotationQueue({ name: "flagged" });
    const [first, second] = [await send({ name: "first" }), await send({ name: "second" })];
    const key = { runId: first.id, sessionId: projectId, startTime: new Date() };
    await client.addRunsToAnnotationQueue(queueId, [key, key]);
    await client.addRunsToAnnotationQueue(queueId, [first.id, second.id]);
    expect(endpoint.queues[0]?.items).toMatchObject([
      { run_id: first.id, project_id: projectId, item_type: "RUN" },
      { run_id: second.id, project_id: projectId },
    ]);
    expect(await client.getSizeFromAnnotationQueue(queueId)).toEqual({ size: 2 });
    expect(await client.getRunFromAnnotationQueue(queueId, 1)).toMatchObject({
      id: second.id,
      name: "second",
    });
    const runs = await collect(client.listRunsFromAnnotationQueue(queueId));
    expect(runs.map(({ name }) => name)).toEqual(["first", "second"]);
    await client.deleteRunFromAnnotationQueue(queueId, first.id);
    expect(endpoint.queues[0]?.items).toHaveLength(1);
  });

  test("refuse a run that is not there, with all that came along", async () => {
    const { id: queueId } = await client.createAnnotationQueue({ name: "flagged" });
    const known = await send();
    const keys = [known.id, uuid7()].map((runId) => ({
      runId,
      sessionId: projectId,
      startTime: new Date(),
    }));
    await expect(client.addRunsToAnnotationQueue(queueId, keys)).rejects.toMatchObject({
      status: 404,
    });
    expect(endpoint.queues[0]?.items).toEqual([]);
  });

  test("are served to the generated client: items, their state, and who holds a run", async () => {
    const { id: queueId } = await client.createAnnotationQueue({ name: "flagged" });
    const run = await send({ metadata: { thread_id: "t" } });
    const { items: queue } = client.annotationQueues;
    const { items = [] } = await queue.create(queueId, {
      items: [
        { item_type: "RUN", run_id: run.id, session_id: projectId },
        { item_type: "THREAD", thread_id: "t", project_id: projectId },
      ],
    });
    expect(items).toMatchObject([{ run_id: run.id }, { thread_id: "t", item_type: "THREAD" }]);
    await queue.createStatus(items[0]?.id ?? "", { status: "completed" });
    const open = await collect(queue.list(queueId, { status: "needs_my_review" }));
    expect(open).toMatchObject([{ thread_id: "t" }]);
    expect(await queue.retrieveCount(queueId, { status: "archived" })).toEqual({ count: 1 });
    expect(await client.annotationQueues.retrieveQueues(run.id)).toMatchObject([{ id: queueId }]);
    await queue.deleteAll(queueId, { item_ids: items.map(({ id }) => id ?? "") });
    expect(endpoint.queues[0]?.items).toEqual([]);
  });
});

describe("projects and datasets", () => {
  test("a project is read by name and id, listed, changed and not created twice", async () => {
    expect(await client.readProject({ projectName: "reviews" })).toMatchObject({ id: projectId });
    expect(await client.readProject({ projectId })).toMatchObject({ name: "reviews" });
    expect(await client.hasProject({ projectName: "none" })).toBe(false);
    await expect(client.createProject({ projectName: "reviews" })).rejects.toMatchObject({
      status: 409,
    });
    const again = await client.createProject({ projectName: "reviews", upsert: true });
    expect(again.id).toBe(projectId);
    await client.updateProject(projectId, { description: "changed" });
    expect(await collect(client.listProjects({ nameContains: "view" }))).toMatchObject([
      { id: projectId, description: "changed" },
    ]);
    await client.deleteProject({ projectName: "reviews" });
    expect(endpoint.projects).toEqual([]);
  });

  test("a dataset takes examples made of runs", async () => {
    const run = await send();
    const dataset = await client.createDataset("regressions", { description: "from review" });
    const [example] = await client.createExamples([
      {
        dataset_id: dataset.id,
        inputs: { question: "When?" },
        outputs: { answer: "noon" },
        metadata: { run: run.id },
      },
    ]);
    expect(example).toMatchObject({ dataset_id: dataset.id, metadata: { run: run.id } });
    expect(await collect(client.listExamples({ datasetName: "regressions" }))).toMatchObject([
      { inputs: { question: "When?" }, outputs: { answer: "noon" } },
    ]);
    expect(await client.readDataset({ datasetId: dataset.id })).toMatchObject({ example_count: 1 });
  });
});

test.each(["", "/", "/api", "/api/v1"])(
  "a client is served at the address with %j",
  async (suffix) => {
    const { id } = await send({ name: "root" });
    const other = new Client({ apiUrl: endpoint.url + suffix, apiKey: "key" });
    expect(await other.readProject({ projectName: "reviews" })).toMatchObject({ id: projectId });
    const query = { project_id: projectId, selects: ["NAME" as const] };
    expect(await other.runs.retrieve(id, query)).toEqual({ name: "root" });
    const { id: queueId } = await other.createAnnotationQueue({ name: "q" });
    const created = await other.annotationQueues.items.create(queueId, { items: [{ run_id: id }] });
    expect(created.items).toMatchObject([{ run_id: id }]);
  },
);

describe("runs, second version", () => {
  test("are queried with filter, root, selected fields and cursors", async () => {
    const root = await send({ name: "root", tags: ["flag:loop"] });
    await send({ name: "child", parent: root, run_type: "llm", tokens: 6000 });
    for (let count = 0; count < 5; count += 1) await send({ name: `plain ${count}` });

    const flagged = await collect(
      client.runs.query({
        project_ids: [projectId],
        is_root: true,
        filter: 'and(has(tags, "flag:loop"), gt(total_tokens, 5000))',
        selects: ["NAME", "TAGS", "TOTAL_TOKENS", "STATUS", "RUN_TYPE", "LATENCY_SECONDS"],
      }),
    );
    expect(flagged).toEqual([
      {
        name: "root",
        tags: ["flag:loop"],
        total_tokens: 6000,
        status: "SUCCESS",
        run_type: "CHAIN",
        latency_seconds: 1.5,
      },
    ]);
    const pages = await collect(client.runs.query({ project_ids: [projectId], page_size: 3 }));
    expect(pages).toHaveLength(7);
    expect(pages.every((run) => Object.keys(run).join() === "id")).toBe(true);
    const asked = endpoint.requests.filter(({ path }) => path === "/api/v2/runs/query");
    expect(asked).toHaveLength(4);
  });

  test("are found among children by the root's or any run's properties", async () => {
    const flagged = await send({ name: "flagged", tags: ["flag:loop"] });
    await send({ name: "step", parent: flagged });
    const other = await send({ name: "other" });
    await send({ name: "step", parent: other, error: "boom" });
    expect(
      await namesAndTraces({ filter: 'eq(name, "step")', trace_filter: 'has(tags, "flag:loop")' }),
    ).toEqual([["step", flagged.id]]);
    expect(
      await namesAndTraces({ filter: "eq(is_root, true)", tree_filter: 'eq(error, "boom")' }),
    ).toEqual([["other", other.id]]);
  });

  test("are retrieved within their project, with address, feedback and shared link", async () => {
    const run = await send({ metadata: { evenkeel_flag_reason: "loop" } });
    const query = { project_id: projectId, trace_id: run.id };
    await client.createFeedback({ runId: run.id, sessionId: projectId, key: "k", score: 1 });
    await client.runs.share.create(run.id, { session_id: projectId, trace_id: run.id });
    const selects = ["METADATA", "FEEDBACK_STATS", "SHARE_URL", "PROJECT_ID"] as const;
    expect(
      await client.runs.retrieve(run.id, { project_id: projectId, selects: [...selects] }),
    ).toMatchObject({
      metadata: { evenkeel_flag_reason: "loop" },
      feedback_stats: { k: { n: 1, avg: 1 } },
      share_url: expect.stringContaining("/public/"),
      project_id: projectId,
    });
    expect((await client.runs.getURL(run.id, query)).url).toContain(run.id);
    await client.runs.share.delete(run.id, { session_id: projectId });
    const unshared = { project_id: projectId, selects: ["SHARE_URL" as const] };
    expect(await client.runs.retrieve(run.id, unshared)).toEqual({});
    await expect(client.runs.retrieve(run.id, { project_id: uuid7() })).rejects.toMatchObject({
      status: 404,
    });
  });

  test("are listed by trace, in order, with their ancestors", async () => {
    const root = await send({ name: "root" });
    const child = await send({ name: "child", parent: root });
    await send({ name: "grandchild", parent: child });
    await send({ name: "stranger" });
    const { items = [] } = await client.traces.listRuns(root.id, {
      project_id: projectId,
      selects: ["NAME", "PARENT_RUN_IDS", "IS_ROOT"],
    });
    expect(items).toEqual([
      { name: "root", parent_run_ids: [], is_root: true },
      { name: "child", parent_run_ids: [root.id], is_root: false },
      { name: "grandchild", parent_run_ids: [root.id, child.id], is_root: false },
    ]);
    const traces = await collect(client.traces.query({ project_id: projectId, selects: ["NAME"] }));
    expect(traces.map(({ root_run: found }) => found?.name)).toEqual(["stranger", "root"]);
  });

  test("form threads with turns, tokens and errors", async () => {
    const metadata = { thread_id: "thread-7" };
    const first = await send({ name: "turn", metadata, tokens: 10, run_type: "llm" });
    await send({ name: "turn", metadata, tokens: 20, run_type: "llm", error: "boom" });
    await send({ name: "elsewhere" });
    const threads = await collect(client.threads.query({ project_id: projectId }));
    expect(threads).toMatchObject([
      {
        thread_id: "thread-7",
        count: 2,
        first_trace_id: first.id,
        total_tokens: 30,
        num_errored_turns: 1,
        last_error: "boom",
        latency_p50: 1.5,
      },
    ]);
    const traces = await collect(
      client.threads.listTraces("thread-7", { project_id: projectId, selects: ["TRACE_ID"] }),
    );
    expect(traces[0]).toEqual({ trace_id: first.id });
    expect(traces).toHaveLength(2);
    const wanted = { session_id: projectId, selects: ["TURNS", "LATENCY_P99"] as const };
    expect(
      await client.threads.stats("thread-7", { ...wanted, selects: [...wanted.selects] }),
    ).toEqual({ turns: 2, latency_p99_seconds: 1.5 });
  });
});

describe("runs, first version", () => {
  test("are read with their children, listed, counted and shared", async () => {
    const root = await send({ name: "root", tags: ["flag:loop"], tokens: 5 });
    await send({ name: "child", parent: root, error: "boom" });
    const read = await client.readRun(root.id, { loadChildRuns: true });
    expect(read).toMatchObject({ name: "root", session_id: projectId, status: "success" });
    expect(read.child_runs?.map(({ name }) => name)).toEqual(["child"]);
    const listed = await collect(
      client.listRuns({ projectName: "reviews", isRoot: true, filter: 'has(tags, "flag:loop")' }),
    );
    expect(listed.map(({ id }) => id)).toEqual([root.id]);
    expect(await collect(client.listRuns({ projectId, error: true, limit: 1 }))).toHaveLength(1);
    expect(await client.getRunStats({ projectIds: [projectId] })).toMatchObject({
      run_count: 2,
      error_rate: 0.5,
    });
    const link = await client.shareRun(root.id);
    expect(await client.readRunSharedLink(root.id)).toBe(link);
    await client.unshareRun(root.id);
    expect(await client.readRunSharedLink(root.id)).toBeUndefined();
  });

  test("are found by thread", async () => {
    await send({ name: "one", metadata: { session_id: "thread-7" } });
    await send({ name: "two" });
    const found = await collect(client.readThread({ threadId: "thread-7", projectId }));
    expect(found.map(({ name }) => name)).toEqual(["one"]);
  });
});
