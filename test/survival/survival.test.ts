import { expectSurvives, freshDatabase, replyByTurn, startOpenAIEndpoint } from "@evenkeel/testing";
import type { FreshDatabase, OpenAIEndpoint, SurvivalOptions } from "@evenkeel/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const module = (name: string): string => `${new URL("./agent.ts", import.meta.url).href}:${name}`;
const input = { messages: [{ role: "user", content: "A1 was charged twice." }] };

let endpoint: OpenAIEndpoint;
let payments: FreshDatabase;
let options: SurvivalOptions;
beforeAll(async () => {
  const call = (name: string, id: string) => ({ toolCalls: [{ name, args: { order: "A1" }, id }] });
  const script = replyByTurn([call("look_up", "1"), call("refund", "2"), { content: "Done." }]);
  [endpoint, payments] = await Promise.all([startOpenAIEndpoint({ script }), freshDatabase()]);
  await payments.pool.query(
    "CREATE TABLE refunds (thread text, key text, PRIMARY KEY (thread, key))",
  );
  options = {
    env: { MODEL_URL: endpoint.url, PAYMENTS_URL: payments.url },
    bundle: true,
    concurrency: 2,
    async effects({ threadId }) {
      const query = "SELECT * FROM refunds WHERE thread = $1";
      return { refunds: (await payments.pool.query(query, [threadId])).rowCount ?? 0 };
    },
    // Around the effect, and before anything is there.
    boundaries: (boundary) => /refund|tools.* #2|checkpoint (-1: before|4)/.test(boundary),
  };
});
afterAll(() => Promise.all([endpoint.close(), payments.drop()]));

describe("killed around its effect and before its first checkpoint", { timeout: 240_000 }, () => {
  test("the bare agent pays twice, and the report says where", async () => {
    const failure = await expectSurvives(module("bare"), input, {
      ...options,
      config: { durability: "sync" },
    }).then(String, String);
    expect(failure).toContain(
      'killed at "tool refund: after its effect":\n  refunds happened 2 times, and once without a crash',
    );
  });

  test("with all of Evenkeel around it, it survives every one", async () => {
    const { boundaries, effects } = await expectSurvives(module("agent"), input, options);
    expect(boundaries.length).toBeGreaterThanOrEqual(6);
    expect(effects).toEqual({ refunds: 1 });
  });
});
