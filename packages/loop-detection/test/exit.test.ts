import { EvenkeelError, classifyFailure } from "@evenkeel/core";
import { withMiddleware } from "@evenkeel/core";
import { startOpenAIEndpoint } from "@evenkeel/testing";
import type { OpenAIEndpoint } from "@evenkeel/testing";
import { scriptedModel } from "@evenkeel/testing";
import type { BaseMessage } from "@langchain/core/messages";
import { Command } from "@langchain/langgraph";
import { ChatOpenAI } from "@langchain/openai";
import { createAgent, toolStrategy } from "langchain";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";

import { loopDetectionMiddleware } from "../src/index.ts";
import type { LoopDetectionMiddlewareOptions } from "../src/index.ts";
import { SHAPES, ask, codeOf, deploy, deployOn, textsOf, thread, toldIn } from "./support/agent.ts";
import type { ScriptedAgent, ScriptedReply, Shape } from "./support/agent.ts";
import { counted } from "./support/shop.ts";

const fast = { steerAfter: 2, blockAfter: false, stopAfter: 3 } as const;
const again: ScriptedReply = { toolCalls: [{ name: "look_up", args: { order: 7 } }] };
const offered = ({ parameters }: { parameters: Readonly<Record<string, unknown>> }): boolean =>
  Array.isArray(parameters["tools"]) && parameters["tools"].length > 0;

function looping(
  shape: Shape,
  options: LoopDetectionMiddlewareOptions,
  answer: ScriptedReply = { content: "Nobody knows order 7." },
): ScriptedAgent & { look: ReturnType<typeof counted> } {
  const look = counted("look_up", () => "no such order");
  const agent = deploy({
    shape,
    turns: (call) => (offered(call) ? again : answer),
    tools: [look.tool],
    options: { ...fast, ...options },
  });
  return { ...agent, look };
}

describe.each(SHAPES)("in a %s", (shape) => {
  test('"error" fails the run with loop-detected, a failure of planning', async () => {
    const { graph, look } = looping(shape, { exitBehavior: "error" });
    const failed = await graph.invoke(ask("Order 7?"), thread()).catch((error: unknown) => error);
    expect(await codeOf(Promise.reject(failed as Error))).toBe("loop-detected");
    expect(classifyFailure(failed)).toMatchObject({ failureClass: "planning", recoverable: true });
    expect((failed as Error).message).toContain('called "look_up" 3 times');
    expect(look.calls()).toBe(3);
  });

  test('"interrupt" pauses; "continue" starts the count afresh, "final-answer" ends it', async () => {
    const { graph, look, model, events } = looping(shape, { exitBehavior: "interrupt" });
    const paused = await graph.invoke(ask("Order 7?"), thread());
    expect(paused["__interrupt__"]).toEqual([
      expect.objectContaining({
        value: expect.objectContaining({
          type: "loop-detected",
          by: "loopDetectionMiddleware",
          kind: "same-call-same-result",
          count: 3,
          answers: ["continue", "final-answer", "error"],
        }) as unknown,
      }),
    ]);
    const later = await graph.invoke(new Command({ resume: "continue" }), thread());
    expect(later["__interrupt__"]).toHaveLength(1);
    expect(look.calls()).toBe(6);
    const output = await graph.invoke(new Command({ resume: "final-answer" }), thread());
    expect(textsOf(output).at(-1)).toBe("Nobody knows order 7.");
    expect(model.calls).toHaveLength(7);
    if (shape === "createAgent native") return;
    // A turn that was read before the pause is not reported once more after it.
    const stops = events.filter(
      ({ name, detail }) => name === "loop-detected" && detail["action"] === "stop",
    );
    expect(stops).toHaveLength(2);
  });

  test("a reply that asks for tools it does not have is made an answer", async () => {
    const agent = looping(shape, {}, { content: "Let me look once more.", ...again });
    const output = await agent.graph.invoke(ask("Order 7?"), thread());
    const last = (output["messages"] as BaseMessage[]).at(-1);
    expect(last?.text).toBe("Let me look once more.");
    expect((last as { tool_calls?: unknown[] }).tool_calls ?? []).toEqual([]);
    expect(agent.look.calls()).toBe(3);
  });

  test("a reply that says nothing says why the run was stopped", async () => {
    const agent = looping(shape, {}, again);
    const output = await agent.graph.invoke(ask("Order 7?"), thread());
    expect(textsOf(output).at(-1)).toMatch(
      /^The run was stopped because it was looping\. You called "look_up" 3 times/,
    );
  });
});

describe("what a person answers", () => {
  test.each([
    ["advice in words", "Ask for order 8.", "Ask for order 8."],
    ["advice in a field", { action: "continue", guidance: "Ask for 8." }, "Ask for 8."],
    ["anything else", true, undefined],
  ])("%s lets the run go on", async (_, resume, told) => {
    const agent = looping("StateGraph", { exitBehavior: "interrupt" });
    await agent.graph.invoke(ask("Order 7?"), thread());
    await agent.graph.invoke(new Command({ resume }), thread());
    expect(toldIn(agent)[3]).toBe(told);
    expect(agent.look.calls()).toBe(6);
  });

  test('"error" fails the run after all', async () => {
    const { graph } = looping("StateGraph", { exitBehavior: "interrupt" });
    await graph.invoke(ask("Order 7?"), thread());
    const resumed = graph.invoke(new Command({ resume: { action: "error" } }), thread());
    expect(await codeOf(resumed)).toBe("loop-detected");
  });

  test("nobody can be asked without a checkpointer", async () => {
    const looped = loopDetectionMiddleware({ exitBehavior: "interrupt" });
    const bare = createAgent({ model: scriptedModel([{ content: "hi" }]), tools: [] });
    const graph = withMiddleware(bare, [looped]) as unknown as {
      invoke(input: unknown): Promise<unknown>;
    };
    expect(await codeOf(graph.invoke(ask("hello")))).toBe("checkpointer-required");
  });
});

test("the error tells a retry which call failed how, without secrets", async () => {
  const agent = deploy({
    turns: () => ({
      toolCalls: [{ name: "look_up", args: { key: "sk-proj-abcdefghijklmnop1234567890" } }],
    }),
    tools: [counted("look_up", () => "denied").tool],
    options: { ...fast, exitBehavior: "error" },
  });
  const failed: unknown = await agent.graph
    .invoke(ask("?"), thread())
    .catch((error: unknown) => error);
  if (!EvenkeelError.isInstance(failed, "loop-detected")) throw failed;
  expect(failed.details).toMatchObject({
    kind: "same-call-same-result",
    count: 3,
    tools: ["look_up"],
    answer: "denied",
  });
  expect(JSON.stringify(failed.details)).not.toContain("abcdefghijklmnop");
});

describe.each(["native", "wrapped"])("a structured response in createAgent, %s", (how) => {
  test("is still given where the run is stopped", async () => {
    const look = counted("look_up", () => "no such order");
    const loops = loopDetectionMiddleware(fast);
    const agent = createAgent({
      model: scriptedModel(({ parameters }) => {
        const tools = parameters["tools"] as { function: { name: string } }[];
        const [extract] = tools.filter(({ function: { name } }) => name !== "look_up");
        return tools.length === 1
          ? { toolCalls: [{ name: extract?.function.name ?? "", args: { found: false } }] }
          : again;
      }),
      tools: [look.tool],
      responseFormat: toolStrategy(z.object({ found: z.boolean() })),
      middleware: how === "native" ? [loops as never] : [],
    });
    const graph = how === "native" ? agent : withMiddleware(agent, [loops]);
    const output = await (graph as { invoke(input: unknown): Promise<unknown> }).invoke(
      ask("Order 7?"),
    );
    expect(output).toMatchObject({ structuredResponse: { found: false } });
    expect(look.calls()).toBe(3);
  });
});

describe("over the wire", () => {
  let endpoint: OpenAIEndpoint | undefined;
  beforeAll(async () => {
    endpoint = await startOpenAIEndpoint({
      script: ({ tools }) => (tools === undefined ? { content: "Nobody knows." } : again),
    });
  });
  afterAll(() => endpoint?.close());

  test.each(["StateGraph", "createReactAgent v2", "createAgent", "createAgent native"] as const)(
    "the last request of a %s names no tools and no choice among them",
    async (shape) => {
      endpoint?.clear();
      const look = counted("look_up", () => "no such order");
      const model = new ChatOpenAI({
        model: "gpt-5.2",
        apiKey: "test",
        maxRetries: 0,
        configuration: { baseURL: endpoint?.url ?? "" },
      });
      const { graph } = deployOn(model, { shape, tools: [look.tool], options: fast });
      const output = await graph.invoke(ask("Order 7?"), thread());
      expect(textsOf(output).at(-1)).toBe("Nobody knows.");
      const bodies = (endpoint?.requests ?? []).map(
        ({ rawBody }) => JSON.parse(rawBody) as Record<string, unknown>,
      );
      expect(bodies.map((body) => "tools" in body)).toEqual([true, true, true, false]);
      expect(bodies.at(-1)).not.toHaveProperty("tool_choice");
      expect(bodies.at(-1)).not.toHaveProperty("parallel_tool_calls");
    },
  );
});
