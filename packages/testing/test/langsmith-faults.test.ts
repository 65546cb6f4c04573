import { Client, uuid7 } from "langsmith";
import { afterEach, describe, expect, test } from "vitest";

import {
  type LangSmithEndpoint,
  type LangSmithEndpointOptions,
  startLangSmithEndpoint,
} from "../src/langsmith/endpoint.ts";

let endpoint: LangSmithEndpoint;
afterEach(() => endpoint.close());

// The client retries network errors, 429 and 5xx of API calls four times whatever `callerOptions`
// say (langsmith 0.9.0), so statuses it gives up on at once stand for the rest where they can.
async function start(options: LangSmithEndpointOptions = {}, timeoutMs = 20_000): Promise<Client> {
  endpoint = await startLangSmithEndpoint(options);
  return new Client({
    apiUrl: endpoint.url,
    apiKey: "key",
    timeout_ms: timeoutMs,
    callerOptions: { maxRetries: 0 },
  });
}

async function ingested(client: Client): Promise<string> {
  const id = uuid7();
  await client.createRun({ id, name: "n", run_type: "chain", inputs: {} });
  return id;
}

describe("a fault", () => {
  test.each([400, 403, 404])(
    "of status %i meets the paths it names, until it is off",
    async (status) => {
      const client = await start();
      const runId = await ingested(client);
      const off = endpoint.fail({ status }, { path: "/feedback" });
      const create = () => client.createFeedback({ runId, sessionId: uuid7(), key: "k", score: 1 });
      await expect(create()).rejects.toMatchObject({ status });
      await client.createProject({ projectName: "served" });
      off();
      await create();
      expect(endpoint.feedback).toHaveLength(1);
    },
  );

  test.each([429, 500, 503])("of status %i has its code and when to come back", async (status) => {
    await start();
    endpoint.fail({ status, code: "busy", message: "not today", retryAfterMs: 1500 });
    const response = await fetch(`${endpoint.url}/info`);
    expect(response.status).toBe(status);
    expect(response.headers.get("retry-after")).toBe("1.5");
    expect(await response.json()).toEqual({ code: "busy", detail: "not today" });
  });

  test("is over after so many requests, and the client's own retry gets through", async () => {
    const client = await start();
    endpoint.fail({ status: 429, retryAfterMs: 5 }, { times: 1, method: "POST" });
    await client.createAnnotationQueue({ name: "q" });
    expect(endpoint.queues).toHaveLength(1);
    expect(endpoint.requests.filter(({ method }) => method === "POST")).toHaveLength(2);
  });

  test("can lose the answer of what took effect, which only a fixed id does not double", async () => {
    const client = await start();
    const runId = await ingested(client);
    const create = (feedbackId: string) =>
      client.createFeedback({ runId, sessionId: uuid7(), key: "k", score: 1, feedbackId });
    const lose = () =>
      endpoint.fail({ status: 403 }, { path: /feedback$/, afterEffect: true, times: 1 });
    const fixed = uuid7();
    lose();
    await expect(create(fixed)).rejects.toMatchObject({ status: 403 });
    await create(fixed);
    expect(endpoint.feedback).toHaveLength(1);
    lose();
    await expect(create(uuid7())).rejects.toMatchObject({ status: 403 });
    await create(uuid7());
    expect(endpoint.feedback).toHaveLength(3);
  });

  test("can cut the connection after the effect, which the client's own retry survives", async () => {
    const client = await start();
    const runId = await ingested(client);
    endpoint.fail({ kind: "reset" }, { path: "/feedback", afterEffect: true, times: 1 });
    await client.createFeedback({ runId, sessionId: uuid7(), key: "k", score: 1 });
    expect(endpoint.feedback).toHaveLength(1);
    expect(endpoint.requests.filter(({ path }) => path === "/feedback")).toHaveLength(2);
  });

  test("can hang until the client gives up, or the endpoint closes", async () => {
    const client = await start({}, 50);
    endpoint.fail({ kind: "hang" }, { path: "/annotation-queues" });
    await expect(client.createAnnotationQueue({ name: "q" })).rejects.toThrow(/timeout/i);
    const waiting = fetch(`${endpoint.url}/annotation-queues`);
    waiting.catch(() => {});
    await endpoint.until(() => endpoint.requests.length === 2);
    await endpoint.close();
    await expect(waiting).rejects.toThrow("fetch failed");
    expect(endpoint.queues).toEqual([]);
  });

  test("can be slow only", async () => {
    const client = await start();
    endpoint.fail({ kind: "slow", delayMs: 5 });
    await client.createAnnotationQueue({ name: "q" });
    expect(endpoint.queues).toHaveLength(1);
  });

  test("in ingestion loses the runs and leaves the traced program alone", async () => {
    const client = await start();
    endpoint.fail({ status: 500 }, { path: "/runs" });
    const id = uuid7();
    const dotted_order = `20260101T000000000000Z${id}`;
    await client.createRun({
      id,
      trace_id: id,
      dotted_order,
      name: "n",
      run_type: "chain",
      inputs: {},
    });
    await client.flush();
    expect(endpoint.runs).toEqual([]);
    expect(endpoint.requests.map(({ path }) => path)).toContain("/runs/multipart");
  });
});

describe("a refusal", () => {
  test("meets another key", async () => {
    const client = await start({ apiKey: "another" });
    await expect(client.createAnnotationQueue({ name: "q" })).rejects.toMatchObject({
      status: 401,
    });
  });

  test("lets a presigned address pass without a key", async () => {
    await start({ apiKey: "ours" });
    const client = new Client({ apiUrl: endpoint.url, apiKey: "ours" });
    const { url } = await client.createPresignedFeedbackToken(await ingested(client), "rating");
    expect((await fetch(`${url}?score=1`)).status).toBe(200);
    expect(endpoint.feedback).toMatchObject([{ key: "rating", score: 1 }]);
  });

  test.each([
    ["POST", "/runs/multipart", "no form at all", "no boundary in content-type"],
    ["POST", "/runs/batch", "{", "not a JSON object"],
    ["POST", "/runs", "{}", 'no text in \\"id\\"'],
    ["POST", "/feedback", '{"key": ""}', 'no text in \\"key\\"'],
    ["POST", "/runs/query", "{}", 'session\\" is missing'],
    ["POST", "/api/v2/runs/query", "{}", 'project_ids\\" is missing'],
    ["POST", "/api/v2/runs/query", '{"project_ids":[],"cursor":"?"}', "no cursor of ours"],
    ["POST", "/api/v2/runs/query", '{"project_ids":[],"filter":"near(a)"}', "unknown function"],
  ])("of %s %s with %s says %s", async (method, path, body, message) => {
    await start();
    const response = await fetch(endpoint.url + path, {
      method,
      body,
      headers: { "content-type": "text/plain" },
    });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain(message);
  });

  test("of what is not there is a coded 404", async () => {
    await start();
    const missing = ["/nowhere", `/runs/${uuid7()}`, `/feedback/${uuid7()}`, "/__nothing"];
    for (const path of missing) {
      const response = await fetch(endpoint.url + path);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ code: "not-found" });
    }
  });

  test("of a body encoded unlike gzip, or broken, is a coded 400", async () => {
    await start();
    for (const encoding of ["br", "gzip"]) {
      const response = await fetch(`${endpoint.url}/runs`, {
        method: "POST",
        headers: { "content-encoding": encoding },
        body: "{}",
      });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: "body-unreadable" });
    }
  });
});

test("waiting ends with a code when the endpoint closes", async () => {
  await start();
  const waiting = endpoint.until(() => false);
  waiting.catch(() => {});
  await endpoint.close();
  await expect(waiting).rejects.toMatchObject({ code: "endpoint-closed" });
});

test("a condition that throws rejects who waits, and not the request that asked it", async () => {
  const client = await start();
  const waiting = endpoint.until(() => {
    if (endpoint.requests.length > 0) throw new Error("too many");
    return false;
  });
  waiting.catch(() => {});
  await client.createProject({ projectName: "p" });
  await expect(waiting).rejects.toThrow("too many");
});

test("feedback without a session is refused by the client where the server is SmithDB only", async () => {
  const client = await start({
    info: { instance_flags: { ch_query_enabled: false, sdb_query_enabled: true } },
  });
  const runId = await ingested(client);
  await expect(client.createFeedback(runId, "k", { score: 1 })).rejects.toThrow("sessionId");
  await client.createFeedback({ runId, sessionId: uuid7(), key: "k", score: 1 });
  expect(endpoint.feedback).toHaveLength(1);
});
