import { freshDatabase, replyByTurn } from "@evenkeel/testing";
import type { FreshDatabase } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import type { ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { Command, MemorySaver } from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";

import { configFreezeMiddleware } from "../src/index.ts";
import { deploy, thread } from "./support/agent.ts";
import type { TestGraph } from "./support/agent.ts";
import { REFUND_TURNS, modelOf, monday, toolsOf, tuesday } from "./support/shop.ts";
import type { Release } from "./support/shop.ts";
import { useWire } from "./support/wire.ts";

const LONG_ID = "call-" + "x".repeat(1_500);
const wire = useWire({
  script: replyByTurn([
    { toolCalls: [{ name: "approve", args: { order: "A1" }, id: LONG_ID }] },
    ...REFUND_TURNS.slice(1),
  ]),
});
let database: FreshDatabase;
let postgres: PostgresSaver;
beforeAll(async () => {
  database = await freshDatabase();
  postgres = new PostgresSaver(database.pool, undefined, { schema: database.schema ?? "public" });
  await postgres.setup();
});
afterAll(() => database.drop());

function agent(
  release: Release,
  checkpointer: MemorySaver | PostgresSaver,
  tools: StructuredToolInterface[] = toolsOf(release),
): TestGraph {
  return deploy({
    model: modelOf(release, wire.endpoint().url),
    prompt: release.prompt,
    tools,
    checkpointer,
    middleware: [configFreezeMiddleware()],
  });
}

const input = (): object => ({ messages: [new HumanMessage("refund A1")] });
const resume = (): Command => new Command({ resume: "yes" });

async function expectFrozenOverResume(
  saver: MemorySaver | PostgresSaver,
  id: unknown,
): Promise<void> {
  const config = { configurable: { thread_id: id } };
  await agent(monday, saver).invoke(input(), config);
  await agent(tuesday, saver).invoke(resume(), config);
  const [first, ...later] = wire.sent();
  expect(later).toEqual([first, first]);
}

describe("a thread id", () => {
  test.each<[string, unknown]>([
    ["with separators of namespaces", "a|b:c.d/e#0"],
    ["with quotes, percent signs and line breaks", `'"; DROP TABLE x; -- % \n\t\\`],
    ["of other scripts", "線程-нить-🧵"],
    ["of 2,000 characters", "t".repeat(2_000)],
  ])("%s is frozen like any other, on memory and Postgres", async (_title, id) => {
    await expectFrozenOverResume(new MemorySaver(), id);
    wire.endpoint().clear();
    await expectFrozenOverResume(postgres, id);
  });
});

test("a tool_call id of 1.5 KB is answered under that id", async () => {
  const saver = new MemorySaver();
  await agent(monday, saver).invoke(input(), thread());
  const other = toolsOf({ ...monday, tools: ["refund"] });
  const result = await agent(monday, saver, other).invoke(resume(), thread());
  const messages = result["messages"] as ToolMessage[];
  const answer = messages.find((message) => message.tool_call_id === LONG_ID);
  expect(answer?.additional_kwargs["evenkeel"]).toMatchObject({ code: "tool-vanished" });
});

test("5,000 messages are frozen, and not one is lost", async () => {
  const saver = new MemorySaver();
  const many = Array.from({ length: 5_000 }, (_, at) => new HumanMessage(`message ${at}`));
  await agent(monday, saver).invoke({ messages: many }, thread());
  const result = await agent(tuesday, saver).invoke(resume(), thread());
  const [first, ...later] = wire.sent();
  expect(later).toEqual([first, first]);
  expect((wire.body(2)["messages"] as unknown[]).length).toBe(5_000 + 5);
  expect((result["messages"] as unknown[]).length).toBe(5_000 + 5);
});

test("a tool result of 20 MB passes by", async () => {
  const saver = new MemorySaver();
  const huge = "x".repeat(20_000_000);
  const refund = tool(async () => huge, {
    name: "refund",
    description: "Pays back.",
    schema: z.object({ amount: z.number() }),
  });
  const [approve] = toolsOf(monday);
  const tools = [approve as StructuredToolInterface, refund as never];
  await agent(monday, saver, tools).invoke(input(), thread());
  const result = await agent(monday, saver, tools).invoke(resume(), thread());
  const lengths = (result["messages"] as ToolMessage[]).map(({ text }) => text.length);
  expect(Math.max(...lengths)).toBe(huge.length);
});

test("a prompt of a million characters with half a character is frozen to the last one", async () => {
  const saver = new MemorySaver();
  const prompt = `${"kind ".repeat(200_000)}\ud83d`;
  await agent({ ...monday, prompt }, saver).invoke(input(), thread());
  await agent(tuesday, saver).invoke(resume(), thread());
  const [first, second] = wire.sent();
  expect(second).toEqual(first);
  expect(second?.prompt.length).toBeGreaterThan(1_000_000);
});

test("a tool named like a prototype's key is a tool", async () => {
  const saver = new MemorySaver();
  const odd = tool(async () => "x", { name: "constructor", schema: z.object({}) });
  const tools = [...toolsOf(monday), odd as never];
  await agent(monday, saver, tools).invoke(input(), thread());
  await agent(tuesday, saver, toolsOf(monday)).invoke(resume(), thread());
  const [first, second] = wire.sent();
  expect(second).toEqual(first);
  expect(second?.rest).toContain('"constructor"');
});
