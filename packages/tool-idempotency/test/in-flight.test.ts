import { memoryStore } from "@evenkeel/core";
import { evenkeelPostgres } from "@evenkeel/postgres";
import { freshDatabase, scriptedModel } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import { MemorySaver } from "@langchain/langgraph";
import { createAgent } from "langchain";
import { describe, expect, it } from "vitest";

import { toolIdempotencyMiddleware } from "../src/index.ts";
import { SCOPE, bank, calls, doing } from "./support/bank.ts";

const done = { content: "Done." };
const key = ({ order }: Readonly<Record<string, unknown>>): string => `pay:${String(order)}`;

/** Two executions whose calls stand for one effect, the first of them at it until it is let go. */
async function two(onInFlight: "wait" | "refuse") {
  let release = (): void => undefined;
  const held = new Promise<void>((go) => {
    release = go;
  });
  let begun = (): void => undefined;
  const atWork = new Promise<void>((go) => {
    begun = go;
  });
  let times = 0;
  const pay = doing("pay", async () => {
    begun();
    await held;
    return `paid ${(times += 1)}`;
  });
  const parts = { does: [pay], keeps: memoryStore(), onInFlight, leaseMs: 150 } as const;
  const tools = { pay: { effect: "once", key } } as const;
  const first = await bank({ ...parts, tools, turns: [calls(["pay"]), done] });
  const second = await bank({ ...parts, tools, turns: [calls(["pay"]), done] });
  const one = first.start();
  await atWork;
  return { one, other: second.start(), release, made: () => times };
}

describe("another worker that is at the same effect", () => {
  it("is waited for, longer than its lease, and its result taken", async () => {
    const { one, other, release, made } = await two("wait");
    await new Promise((later) => setTimeout(later, 500));
    release();
    const texts = (await Promise.all([one, other])).map(({ answers }) => answers[0]?.text);
    expect(texts).toEqual(["paid 1", "paid 1"]);
    expect(made()).toBe(1);
  });

  it("is refused where it is told to, with nothing run", async () => {
    const { one, other, release, made } = await two("refuse");
    await expect(other).rejects.toMatchObject({
      code: "effect-in-flight",
      middleware: "toolIdempotencyMiddleware",
    });
    release();
    await one;
    expect(made()).toBe(1);
  });
});

describe("native createAgent, which has no run seam", () => {
  it.each([
    [undefined, "paid 1"],
    ["async", "paid 1"],
    ["exit", "checkpoint-not-durable"],
  ] as const)(
    "comes under durability %s to: %s",
    async (durability, outcome) => {
      let times = 0;
      const pay = doing("pay", () => `paid ${(times += 1)}`);
      const agent = createAgent({
        model: scriptedModel([calls(["pay"]), done]),
        tools: [pay],
        checkpointer: new MemorySaver(),
        middleware: [toolIdempotencyMiddleware({ store: memoryStore() })],
      });
      const config = { configurable: { thread_id: "thread" }, ...(durability && { durability }) };
      const run = agent.invoke({ messages: [new HumanMessage("Please.")] }, config);
      const came = await run.then(
        ({ messages }) => messages.at(-2)?.text,
        // LangChain wraps what leaves a hook.
        (error: { cause?: { code?: string } }) => error.cause?.code,
      );
      expect(came).toBe(outcome);
      expect(times).toBe(outcome === "paid 1" ? 1 : 0);
    },
    20_000,
  );
});

it("keeps a result of 10 MB whole on Postgres", async () => {
  const database = await freshDatabase({ maxConnections: 4 });
  try {
    const schema = `${database.schema ?? "evenkeel"}_large`;
    const keeps = evenkeelPostgres(database.pool, { schema });
    await keeps.setup();
    const text = `${"0123456789".repeat(1_000_000)}\u0000 \ud800`;
    const turns = [calls(["dump"]), done];
    const one = await bank({ turns, does: [doing("dump", () => text)], keeps, leaseMs: 5_000 });
    await one.start();
    const [first] = await one.checkpoints();
    const { answers } = await one.go(null, { configurable: { checkpoint_id: first } });
    expect(answers[0]?.text === text).toBe(true);
    expect(one.events.map(({ name }) => name)).toContain("effect-reused");
    expect(await keeps.listEffects({ scope: SCOPE })).toHaveLength(1);
  } finally {
    await database.drop();
  }
});
