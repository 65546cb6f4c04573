import { readEnvelope } from "@evenkeel/core";
import type { BaseMessage } from "@langchain/core/messages";
import { describe, expect, test } from "vitest";

import { SHAPES, ask, deploy, textsOf, thread, toldIn, toldTo } from "./support/agent.ts";
import type { ScriptedCall, ScriptedReply } from "./support/agent.ts";
import { counted } from "./support/shop.ts";

const order = { order: "A-1001" };
const lookUp = (): ReturnType<typeof counted> => counted("look_up", () => "no such order");
const customers = (): ReturnType<typeof counted> =>
  counted("list_orders", () => "orders of this customer: B-7 (charged twice)");

/** Looks one order up for ever, until it is told exactly that, with the arguments and the result. */
function loopsUntilTold(call: ScriptedCall): ScriptedReply {
  const told = toldTo(call) ?? "";
  const precise = ["look_up", "3 times", "A-1001", "no such order"].every((part) =>
    told.includes(part),
  );
  if (precise) return { toolCalls: [{ name: "list_orders", args: {} }] };
  if (call.messages.some((message) => message.text.includes("B-7"))) {
    return { content: "Order B-7 was charged twice; I found it by your account." };
  }
  return { toolCalls: [{ name: "look_up", args: order }] };
}

/** Looks one order up, whatever it is told. */
const neverListens = (call: ScriptedCall): ScriptedReply =>
  call.parameters["tools"] === undefined || (call.parameters["tools"] as unknown[]).length === 0
    ? { content: "I could not find order A-1001." }
    : { toolCalls: [{ name: "look_up", args: order }] };

describe.each(SHAPES)("in a %s", (shape) => {
  test("a model that loops until it is told precisely what it repeats finishes its task", async () => {
    const [look, list] = [lookUp(), customers()];
    const agent = deploy({ shape, turns: loopsUntilTold, tools: [look.tool, list.tool] });
    const output = await agent.graph.invoke(ask("Refund order A-1001."), thread());
    expect(textsOf(output).at(-1)).toMatch(/B-7 was charged twice/);
    expect(look.calls()).toBe(3);
    expect(toldIn(agent).map((told) => told !== undefined)).toEqual([
      false,
      false,
      false,
      true,
      false,
    ]);
  });

  test("what the model is told is one message at the end of one request, and in no state", async () => {
    const [look, list] = [lookUp(), customers()];
    const agent = deploy({ shape, turns: loopsUntilTold, tools: [look.tool, list.tool] });
    const output = await agent.graph.invoke(ask("Refund order A-1001."), thread());
    const { values } = await agent.graph.getState(thread());
    for (const texts of [textsOf(output), textsOf(values)]) {
      expect(texts.filter((text) => text.includes("3 times"))).toEqual([]);
    }
    for (const { messages } of agent.model.calls) {
      expect(messages.filter(({ type }) => type === "human").length).toBeLessThanOrEqual(2);
    }
  });

  test("a model that polls is left alone", async () => {
    const job = counted("job", (_, before) => (before < 15 ? '{"status":"running"}' : "done"));
    const agent = deploy({
      shape,
      turns: ({ messages }) =>
        messages.at(-1)?.text === "done"
          ? { content: "The report is there." }
          : { toolCalls: [{ name: "job", args: { id: 7 } }] },
      tools: [job.tool],
    });
    const output = await agent.graph.invoke(ask("Wait for job 7."), {
      ...thread(),
      recursionLimit: 200,
    });
    expect(textsOf(output).at(-1)).toBe("The report is there.");
    expect(job.calls()).toBe(16);
    expect(toldIn(agent)).toEqual(Array.from({ length: 17 }, () => undefined));
  });

  test("a model that ignores what it is told is blocked, then stopped with an answer", async () => {
    const look = lookUp();
    const agent = deploy({ shape, turns: neverListens, tools: [look.tool] });
    const output = await agent.graph.invoke(ask("Where is A-1001?"), {
      ...thread(),
      recursionLimit: 200,
    });
    const messages = output["messages"] as BaseMessage[];
    expect(look.calls()).toBe(5);
    expect(messages.at(-1)?.text).toBe("I could not find order A-1001.");
    const answers = messages.filter(({ type }) => type === "tool");
    expect(answers).toHaveLength(8);
    const blocked = answers.slice(5);
    expect(blocked.map((answer) => readEnvelope(answer)?.code)).toEqual(
      Array.from({ length: 3 }, () => "loop-blocked"),
    );
    for (const { text } of blocked) {
      expect(text).toMatch(/Not executed\. You called "look_up" \d times/);
      expect(text.match(/no such order/g)).toHaveLength(1);
    }
    expect(agent.model.calls).toHaveLength(9);
  });
});
