import { ENVELOPE_KEY, wrapModel, withMiddleware } from "@evenkeel/core";
import type { Envelope, EvenkeelEvent } from "@evenkeel/core";
import { replyByTurn } from "@evenkeel/testing";
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import type { ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface } from "@langchain/core/tools";
import {
  Command,
  MemorySaver,
  MessagesAnnotation,
  START,
  StateGraph,
  interrupt,
} from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { describe, expect, test } from "vitest";
import { z } from "zod";

import { configFreezeMiddleware } from "../src/index.ts";
import type { ConfigFreezeMiddlewareOptions, FrozenTool } from "../src/index.ts";
import { definitionOf, describeTool, offerTools } from "../src/parts/tools.ts";
import { AGENT_SHAPES, deploy, thread } from "./support/agent.ts";
import type { AgentShape, TestGraph } from "./support/agent.ts";
import { modelOf, monday, toolsOf } from "./support/shop.ts";
import { useWire } from "./support/wire.ts";

const wire = useWire({
  script: replyByTurn([
    { toolCalls: [{ name: "approve", args: { order: "A1" } }] },
    {
      toolCalls: [
        { name: "refund", args: { amount: 5 }, id: "call-refund" },
        { name: "note", args: { text: "refunded" }, id: "call-note" },
      ],
    },
    { content: "done" },
  ]),
});

const note = tool(async ({ text }: { text: string }) => `noted ${text}`, {
  name: "note",
  description: "Takes a note.",
  schema: z.object({ text: z.string() }),
});
const approve = toolsOf(monday)[0] as StructuredToolInterface;

function refundOf(
  schema: z.ZodType,
  runs: unknown[] = [],
  description = "Pays back.",
): StructuredToolInterface {
  const answer = async (input: unknown): Promise<string> => {
    runs.push(input);
    return "refunded";
  };
  return tool(answer, { name: "refund", description, schema: schema as never }) as never;
}

const amount = z.object({ amount: z.number() });

async function resumed(
  after: StructuredToolInterface[],
  options: ConfigFreezeMiddlewareOptions = {},
  shape: AgentShape = "StateGraph",
): Promise<{ answers: Map<string, ToolMessage>; events: EvenkeelEvent[]; text: string }> {
  const saver = new MemorySaver();
  const events: EvenkeelEvent[] = [];
  const agent = (tools: StructuredToolInterface[]): TestGraph =>
    deploy({
      shape,
      model: modelOf(monday, wire.endpoint().url),
      tools,
      checkpointer: saver,
      middleware: [configFreezeMiddleware(options)],
      events,
    });
  const input = { messages: [new HumanMessage("refund A1")] };
  await agent([approve, refundOf(amount), note]).invoke(input, thread());
  const result = await agent(after).invoke(new Command({ resume: "yes" }), thread());
  const messages = result["messages"] as ToolMessage[];
  const answers = messages.filter((message) => message.getType() === "tool");
  return {
    events,
    answers: new Map(answers.map((message) => [message.tool_call_id, message])),
    text: messages.at(-1)?.text ?? "",
  };
}

function envelopeOf(message: ToolMessage | undefined): Envelope | undefined {
  return message?.additional_kwargs[ENVELOPE_KEY] as Envelope | undefined;
}

const names = (events: EvenkeelEvent[]): string[] => events.map(({ name }) => name);

describe.each(AGENT_SHAPES)("a tool call in a resumed %s", (shape) => {
  test("of a vanished tool is answered with a code, beside calls that are made", async () => {
    const { answers, events, text } = await resumed([approve, note], {}, shape);
    expect(envelopeOf(answers.get("call-refund"))).toMatchObject({
      v: 1,
      code: "tool-vanished",
      retryable: false,
      safeToReplay: true,
      by: "configFreezeMiddleware",
    });
    expect(answers.get("call-refund")?.status).toBe("error");
    expect(answers.get("call-note")?.text).toBe("noted refunded");
    expect(text).toBe("done");
    expect(names(events)).toContain("tool-vanished");
  });

  test("whose arguments the changed tool refuses is answered with a code", async () => {
    const runs: unknown[] = [];
    const changed = refundOf(z.object({ amount: z.string() }), runs);
    const { answers, events } = await resumed([approve, changed, note], {}, shape);
    expect(envelopeOf(answers.get("call-refund"))?.code).toBe("tool-changed");
    expect(runs).toEqual([]);
    expect(names(events)).toContain("tool-changed");
  });

  test("whose argument the changed tool would drop without a word is answered with a code", async () => {
    const runs: unknown[] = [];
    const changed = refundOf(z.object({ cents: z.number().default(100) }), runs);
    const { answers } = await resumed([approve, changed, note], {}, shape);
    expect(envelopeOf(answers.get("call-refund"))?.code).toBe("tool-changed");
    expect(runs).toEqual([]);
  });

  test("whose arguments still fit is made by the changed tool", async () => {
    const runs: unknown[] = [];
    const changed = refundOf(z.object({ amount: z.number(), why: z.string().optional() }), runs);
    const { answers } = await resumed([approve, changed, note], {}, shape);
    expect(runs).toEqual([{ amount: 5 }]);
    expect(envelopeOf(answers.get("call-refund"))).toBeUndefined();
  });

  test("is made by the version that `tools` supplies", async () => {
    const runs: unknown[] = [];
    const tools = { refund: refundOf(amount, runs) };
    const changed = refundOf(z.object({ cents: z.number() }));
    const { answers } = await resumed([approve, changed, note], { tools }, shape);
    expect(runs).toEqual([{ amount: 5 }]);
    expect(answers.get("call-refund")?.text).toBe("refunded");
  });
});

describe("the tools a resumed model is offered", () => {
  const offered = (index: number): string[] =>
    (wire.body(index)["tools"] as { function: { name: string } }[]).map(
      ({ function: { name } }) => name,
    );

  test("are the frozen ones in frozen order: a new one stays hidden", async () => {
    const fresh = tool(async () => "x", { name: "wire_money", schema: z.object({}) });
    await resumed([note, fresh as never, approve, refundOf(amount)]);
    expect([0, 1, 2].map(offered)).toEqual([0, 1, 2].map(() => ["approve", "refund", "note"]));
    const [first, ...later] = wire.sent();
    expect(later).toEqual([first, first]);
  });

  test("report another order as drift, and a reworded description", async () => {
    const { events } = await resumed([note, approve, refundOf(amount, [], "Pays at once.")]);
    const [drift] = events.filter(({ name }) => name === "config-drifted");
    expect((drift?.detail["fields"] as { field: string }[]).map(({ field }) => field)).toEqual([
      "toolOrder",
      "tools.refund.description",
    ]);
  });
});

describe("`tools`", () => {
  test("as a function is asked with what was frozen", async () => {
    const runs: unknown[] = [];
    const asked: FrozenTool[] = [];
    const tools = {
      refund: (frozen: FrozenTool) => {
        asked.push(frozen);
        return refundOf(amount, runs);
      },
    };
    await resumed([approve, note], { tools: tools });
    expect(runs).toEqual([{ amount: 5 }]);
    expect(asked[0]).toMatchObject({ name: "refund", description: "Pays back.", version: null });
  });

  test("of another schema than the frozen one is not used", async () => {
    const runs: unknown[] = [];
    const tools = { refund: refundOf(z.object({ cents: z.number() }), runs) };
    const { answers } = await resumed([approve, note], { tools });
    expect(runs).toEqual([]);
    expect(envelopeOf(answers.get("call-refund"))?.code).toBe("tool-vanished");
  });
});

describe("a changed tool", () => {
  test("that fails by itself keeps its own error", async () => {
    const failing = tool(
      async () => {
        throw new Error("the bank is closed");
      },
      { name: "refund", description: "Pays back now.", schema: amount },
    );
    const { answers } = await resumed([approve, failing as never, note]);
    expect(answers.get("call-refund")?.text).toContain("the bank is closed");
    expect(envelopeOf(answers.get("call-refund"))).toBeUndefined();
  });

  test("that asks a person pauses the run", async () => {
    const saver = new MemorySaver();
    const asks = tool(async () => String(interrupt("sure?")), {
      name: "refund",
      description: "Asks first.",
      schema: amount,
    });
    const agent = (refund: unknown): TestGraph =>
      deploy({
        model: modelOf(monday, wire.endpoint().url),
        tools: [approve, refund as StructuredToolInterface, note],
        checkpointer: saver,
        middleware: [configFreezeMiddleware()],
      });
    await agent(refundOf(amount)).invoke({ messages: [new HumanMessage("hi")] }, thread());
    const paused = await agent(asks).invoke(new Command({ resume: "yes" }), thread());
    expect(paused["__interrupt__"]).toMatchObject([{ value: "sure?" }]);
    const result = await agent(asks).invoke(new Command({ resume: "go" }), thread());
    const answers = (result["messages"] as ToolMessage[]).map(({ text }) => text);
    expect(answers).toContain("go");
  });
});

test("a tool of one name and two schemas, in two nodes, is no changed tool in either", async () => {
  const runs: unknown[] = [];
  const saver = new MemorySaver();
  const euros = refundOf(amount, runs);
  const cents = refundOf(z.object({ cents: z.number() }), runs);
  const events: EvenkeelEvent[] = [];
  const call = (args: object): AIMessage =>
    new AIMessage({
      content: "",
      tool_calls: [{ name: "refund", args, id: JSON.stringify(args), type: "tool_call" } as never],
    });
  const model = wrapModel(modelOf(monday, wire.endpoint().url));
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("first", async (state) => {
      await model.bindTools([euros]).invoke(state.messages);
      return { messages: [call({ amount: 1 })] };
    })
    .addNode("first tools", new ToolNode([euros]))
    .addNode("second", async () => {
      await model.bindTools([cents]).invoke([new HumanMessage("second")]);
      return { messages: [call({ cents: 2 })] };
    })
    .addNode("second tools", new ToolNode([cents]))
    .addEdge(START, "first")
    .addEdge("first", "first tools")
    .addEdge("first tools", "second")
    .addEdge("second", "second tools")
    .compile({ checkpointer: saver });
  const agent = withMiddleware(graph, [configFreezeMiddleware()], {
    onEvent: (event) => events.push(event),
  });
  await agent.invoke({ messages: [new HumanMessage("hi")] }, thread());
  expect(runs).toEqual([{ amount: 1 }, { cents: 2 }]);
  expect(names(events)).toEqual(["config-frozen", "config-frozen"]);
});

describe("the record of a tool", () => {
  test("holds name, description, input and output schema, version and a hash", () => {
    const versioned = tool(async () => "x", {
      name: "refund",
      description: "Pays back.",
      schema: amount,
      metadata: { version: "2.1" },
    });
    Object.assign(versioned, { outputSchema: z.object({ paid: z.boolean() }) });
    expect(describeTool(versioned)).toMatchObject({
      name: "refund",
      description: "Pays back.",
      version: "2.1",
      input: { type: "object", properties: { amount: { type: "number" } } },
      output: { type: "object", properties: { paid: { type: "boolean" } } },
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(describeTool(versioned).hash).not.toBe(describeTool(refundOf(amount)).hash);
  });

  test("gives back what a model is told, whatever an argument is called", () => {
    const login = tool(async () => "x", {
      name: "log_in",
      description: "Logs in.",
      schema: z.object({ password: z.string().describe("The token of the user") }),
    });
    expect(definitionOf(describeTool(login))).toEqual({
      type: "function",
      function: {
        name: "log_in",
        description: "Logs in.",
        parameters: expect.objectContaining({
          properties: { password: { type: "string", description: "The token of the user" } },
        }),
      },
    });
  });

  test("of a provider's own tool is its JSON, offered as it was", () => {
    const search = { type: "web_search", user_location: { country: "DE" } };
    const frozen = describeTool(search);
    expect(frozen).toMatchObject({ name: "web_search", definition: search });
    const [same] = offerTools([frozen], [search], new Set());
    expect(same).toBe(search);
    const [old] = offerTools([frozen], [{ type: "web_search" }], new Set());
    expect(old).toEqual(search);
    expect(offerTools([frozen], [search], new Set(["web_search"]))).toEqual([]);
  });

  test("of a tool given as JSON reaches the wire as it was", async () => {
    const saver = new MemorySaver();
    const definition = (description: string): object => ({
      type: "function",
      function: { name: "look_up", description, parameters: { type: "object", properties: {} } },
    });
    const agent = (description: string): TestGraph =>
      withMiddleware(
        new StateGraph(MessagesAnnotation)
          .addNode("ask", async ({ messages }) => {
            const model = wrapModel(modelOf(monday, wire.endpoint().url));
            await model.bindTools([definition(description) as never]).invoke(messages);
            interrupt("wait");
            return {};
          })
          .addEdge(START, "ask")
          .compile({ checkpointer: saver }),
        [configFreezeMiddleware()],
      );
    await agent("Looks up.").invoke({ messages: [new HumanMessage("hi")] }, thread());
    await agent("Looks anything up.").invoke(new Command({ resume: 1 }), thread());
    const [first, second] = wire.sent();
    expect(second).toEqual(first);
  });
});
