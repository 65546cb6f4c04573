import { memoryStore, withMiddleware, wrapModel } from "@evenkeel/core";
import type { EvenkeelEvent } from "@evenkeel/core";
import { failureRetryMiddleware } from "@evenkeel/failure-retry";
import { scriptedModel } from "@evenkeel/testing";
import { idempotencyKey, toolIdempotencyMiddleware } from "@evenkeel/tool-idempotency";
import type { ToolIdempotencyOptions } from "@evenkeel/tool-idempotency";
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { Command, MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, createReactAgent, toolsCondition } from "@langchain/langgraph/prebuilt";
import { createAgent } from "langchain";
import { describe, expect, it } from "vitest";
import { z } from "zod";

type Parts = Parameters<typeof createReactAgent>[0];

const KINDS: Readonly<Record<string, (parts: Parts) => object>> = {
  StateGraph: ({ llm, tools, checkpointer }) =>
    new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => ({
        messages: [
          await (llm as ReturnType<typeof scriptedModel>).bindTools(tools as []).invoke(messages),
        ],
      }))
      .addNode("tools", new ToolNode(tools as []))
      .addEdge(START, "agent")
      .addConditionalEdges("agent", toolsCondition)
      .addEdge("tools", "agent")
      .compile({ checkpointer } as object),
  "createReactAgent v1": (parts) => createReactAgent({ ...parts, version: "v1" }),
  "createReactAgent v2": (parts) => createReactAgent({ ...parts, version: "v2" }),
  createAgent: ({ llm, tools, checkpointer }) =>
    createAgent({ model: llm, tools, checkpointer } as never),
};

interface Agent {
  invoke(
    input: unknown,
    config: object,
  ): Promise<{ messages: BaseMessage[]; __interrupt__?: unknown }>;
}

/** An agent whose first attempt's answer is rejected, and which plans each attempt anew. */
function rejectedOnce(
  build: (parts: Parts) => object,
  attempts: readonly (readonly string[])[],
  options: Partial<ToolIdempotencyOptions> = {},
) {
  const paid: string[] = [];
  const keys: string[] = [];
  const callIds: string[] = [];
  const events: EvenkeelEvent[] = [];
  const pay = tool(
    ({ amount }: { amount: string }, { toolCall }: { toolCall?: { id?: string } }) => {
      paid.push(amount);
      keys.push(idempotencyKey());
      callIds.push(toolCall?.id ?? "");
      return `paid ${amount} as number ${paid.length}`;
    },
    { name: "pay", description: "Pays.", schema: z.object({ amount: z.string() }) },
  );
  let rejections = 0;
  // By the order of calls: plan, answer, plan, answer.
  let asked = 0;
  const model = scriptedModel(() => {
    const turn = asked++;
    if (turn % 2 === 1) return { content: `answer ${(turn + 1) / 2}` };
    const plan = attempts[turn / 2] ?? [];
    return { toolCalls: plan.map((amount) => ({ name: "pay", args: { amount } })) };
  });
  const graph = build({ llm: wrapModel(model), tools: [pay], checkpointer: new MemorySaver() });
  const stack = [
    failureRetryMiddleware({
      initialInterval: 0,
      jitter: false,
      restart: "start",
      verify: ({ text }) => (text.endsWith("1") ? `number ${(rejections += 1)} will not do` : true),
    }),
    toolIdempotencyMiddleware({ store: memoryStore(), tools: { pay: "keyed" }, ...options }),
  ];
  const agent = withMiddleware(graph as never, stack, {
    onEvent: (event: EvenkeelEvent) => void events.push(event),
  }) as unknown as Agent;
  const config = { configurable: { thread_id: "thread" } };
  const go = async (input: unknown) => {
    const { messages, __interrupt__: question } = await agent.invoke(input, config);
    const answers = messages.filter((message) => ToolMessage.isInstance(message));
    return { question, answers, said: messages.at(-1)?.text };
  };
  return {
    paid,
    keys,
    callIds,
    events,
    start: () => go({ messages: [new HumanMessage("Please pay.")] }),
    decide: (decision: object) => go(new Command({ resume: { decisions: [decision] } })),
  };
}

describe.each(Object.entries(KINDS))("the second attempt of a %s", (_, build) => {
  it("meets the effect of the first, although its calls have other ids", async () => {
    const one = rejectedOnce(build, [["20"], ["20"]]);
    const { answers, said } = await one.start();
    expect(said).toBe("answer 2");
    expect(one.paid).toEqual(["20"]);
    expect(answers.map(({ text }) => text)).toEqual(["paid 20 as number 1"]);
    expect(answers[0]?.tool_call_id).not.toBe(one.callIds[0]);
    expect(one.events.map(({ name, attempt }) => `${name} ${attempt}`)).toContain(
      "effect-reused 2",
    );
  });

  it("makes the second of two equal calls only where the first attempt made one", async () => {
    const one = rejectedOnce(build, [["20"], ["20", "20"]], { onReplan: "run" });
    await one.start();
    expect(one.paid).toEqual(["20", "20"]);
    expect(new Set(one.keys).size).toBe(2);
  });

  it("meets both of two equal calls, and calls in another order", async () => {
    const one = rejectedOnce(build, [
      ["20", "20", "30"],
      ["30", "20", "20"],
    ]);
    const { answers } = await one.start();
    expect(one.paid.toSorted()).toEqual(["20", "20", "30"]);
    expect(answers).toHaveLength(3);
  });

  it("does with a changed call what it is told to", async () => {
    const reuse = rejectedOnce(build, [["20"], ["20.00"]], { onReplan: "reuse" });
    const { answers } = await reuse.start();
    expect(reuse.paid).toEqual(["20"]);
    expect(answers.map(({ text }) => text)).toEqual(["paid 20 as number 1"]);

    const run = rejectedOnce(build, [["20"], ["20.00"]], { onReplan: "run" });
    await run.start();
    expect(run.paid).toEqual(["20", "20.00"]);
  });

  it("asks a person about a changed call by default, and does not make it meanwhile", async () => {
    for (const type of ["reject", "approve"] as const) {
      const one = rejectedOnce(build, [["20"], ["20.00"]]);
      const paused = await one.start();
      expect(JSON.stringify(paused.question)).toContain("paid 20 as number 1");
      expect(one.paid).toEqual(["20"]);
      const { said } = await one.decide({ type });
      expect(said).toBe("answer 2");
      expect(one.paid).toEqual(type === "reject" ? ["20"] : ["20", "20.00"]);
    }
  });
});
