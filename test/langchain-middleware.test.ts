import { withMiddleware } from "@evenkeel/core";
import type { ForeignMiddleware } from "@evenkeel/core";
import { replyByTurn, scriptedModel } from "@evenkeel/testing";
import type { ChatReply, ChatScript } from "@evenkeel/testing";
import { HumanMessage, SystemMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { Command, MessagesAnnotation, START, StateGraph, interrupt } from "@langchain/langgraph";
import { createFilesystemMiddleware } from "deepagents";
import {
  ClearToolUsesEdit,
  contextEditingMiddleware,
  createAgent,
  createMiddleware,
  dynamicSystemPromptMiddleware,
  humanInTheLoopMiddleware,
  llmToolSelectorMiddleware,
  modelCallLimitMiddleware,
  modelFallbackMiddleware,
  modelRetryMiddleware,
  piiMiddleware,
  toolCallLimitMiddleware,
  toolEmulatorMiddleware,
  toolErrorMiddleware,
  toolRetryMiddleware,
} from "langchain";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";

import { graphAgent, langChainAgent, plainMessages } from "./support/agent-pair.ts";
import type { AgentParts, Asked, TestAgent, Turn } from "./support/agent-pair.ts";

const ASK = { messages: [new HumanMessage({ content: "Where are my orders?", id: "human-1" })] };
const ASK_AGAIN = { messages: [new HumanMessage({ content: "And order 9?", id: "human-2" })] };

const TWO_CALLS: ChatReply = {
  toolCalls: [
    { name: "look_up", args: { order: 7 }, id: "call-1" },
    { name: "look_up", args: { order: 8 }, id: "call-2" },
  ],
};
const ONE_CALL: ChatReply = {
  toolCalls: [{ name: "look_up", args: { order: 9 }, id: "call-3" }],
};
const ANSWER: ChatReply = { content: "They were delivered." };

function lookUpTool(answer: (order: number) => string = (order) => `order ${order}: delivered`) {
  return tool(({ order }) => answer(order), {
    name: "look_up",
    description: "Finds an order",
    schema: z.object({ order: z.number() }),
  });
}

/** A tool that fails as often as it is told to, per call. */
function flakyTool(failures: number): StructuredToolInterface {
  const tries = new Map<number, number>();
  return lookUpTool((order) => {
    const count = (tries.get(order) ?? 0) + 1;
    tries.set(order, count);
    if (count <= failures) throw new Error(`try ${count} on ${order} failed`);
    return `order ${order}: delivered at try ${count}`;
  });
}

const open: TestAgent[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((agent) => agent.close()));
});

interface Course {
  readonly turns: Turn[];
  readonly asked: Asked[];
}

/** Runs the same inputs through LangChain's agent and through the StateGraph. */
async function both(
  make: () => AgentParts,
  inputs: readonly unknown[] = [ASK],
): Promise<[agent: Course, graph: Course, agents: [TestAgent, TestAgent]]> {
  const agents = [await langChainAgent(make), await graphAgent(make)] as [TestAgent, TestAgent];
  open.push(...agents);
  const courses = await Promise.all(
    agents.map(async (agent): Promise<Course> => {
      const turns: Turn[] = [];
      for (const input of inputs) turns.push(await agent.turn(input));
      return { turns, asked: agent.asked() };
    }),
  );
  return [courses[0] as Course, courses[1] as Course, agents];
}

function lastText({ turns }: Course): string | undefined {
  return turns.at(-1)?.messages?.at(-1)?.text;
}

const QUICK = { initialDelayMs: 1, jitter: false };
const busy = (): ChatReply => ({ fault: { status: 503 } });

describe("modelRetryMiddleware", () => {
  test("tries a failed model call again", async () => {
    const [agent, graph] = await both(() => ({
      script: [busy(), TWO_CALLS, busy(), busy(), ANSWER],
      tools: [lookUpTool()],
      middleware: () => [modelRetryMiddleware({ maxRetries: 2, ...QUICK })],
    }));
    expect(graph).toEqual(agent);
    expect(graph.asked).toHaveLength(5);
    expect(lastText(graph)).toBe("They were delivered.");
  });

  test("answers with the failure once it has given up", async () => {
    const [agent, graph] = await both(() => ({
      script: busy,
      tools: [lookUpTool()],
      middleware: () => [modelRetryMiddleware({ maxRetries: 1, ...QUICK })],
    }));
    expect(graph).toEqual(agent);
    expect(graph.asked).toHaveLength(2);
    expect(lastText(graph)).toMatch("Model call failed after 2 attempts");
  });

  test("throws the failure where it is told to", async () => {
    const [agent, graph] = await both(() => ({
      script: busy,
      tools: [lookUpTool()],
      middleware: () => [modelRetryMiddleware({ maxRetries: 1, onFailure: "error", ...QUICK })],
    }));
    expect(graph).toEqual(agent);
    expect(graph.turns[0]?.error).toMatch("503");
  });

  test("swallows a pause inside it, upstream's defect langchainjs#11649, on both", async () => {
    const pausing = () =>
      createMiddleware({
        name: "pausing",
        wrapModelCall: (request, handler) => {
          interrupt("May I ask the model?");
          return handler(request);
        },
      });
    const [agent, graph] = await both(() => ({
      script: [ANSWER],
      tools: [lookUpTool()],
      middleware: () => [modelRetryMiddleware({ maxRetries: 1, ...QUICK }), pausing()],
    }));
    expect(graph).toEqual(agent);
    expect(graph.turns[0]?.interrupts).toBeUndefined();
    expect(lastText(graph)).toMatch("Model call failed after 2 attempts");
  });
});

describe("toolRetryMiddleware", () => {
  const script = (): ChatScript => replyByTurn([TWO_CALLS, ANSWER]);

  test("tries a failed tool again", async () => {
    const [agent, graph] = await both(() => ({
      script: script(),
      tools: [flakyTool(2)],
      middleware: () => [toolRetryMiddleware({ maxRetries: 2, ...QUICK })],
      fatalToolErrors: true,
    }));
    expect(graph).toEqual(agent);
    expect(graph.turns[0]?.messages?.[2]?.text).toBe("order 7: delivered at try 3");
  });

  test("tells the model of the failure once it has given up", async () => {
    const [agent, graph] = await both(() => ({
      script: script(),
      tools: [flakyTool(9)],
      middleware: () => [toolRetryMiddleware({ maxRetries: 1, ...QUICK })],
    }));
    expect(graph).toEqual(agent);
    // Upstream's defect: the model learns the error's class alone, not what it said.
    expect(graph.turns[0]?.messages?.[2]).toMatchObject({
      text: "Tool 'look_up' failed after 2 attempts with Error",
      status: "error",
    });
  });

  test("ends the run where it is told to", async () => {
    const [agent, graph] = await both(() => ({
      script: script(),
      tools: [flakyTool(9)],
      middleware: () => [toolRetryMiddleware({ maxRetries: 1, onFailure: "error", ...QUICK })],
      fatalToolErrors: true,
    }));
    expect(graph).toEqual(agent);
    expect(graph.turns[0]?.error).toMatch(/try 2 on [78] failed/);
  });

  test("leaves other tools alone", async () => {
    const [agent, graph] = await both(() => ({
      script: script(),
      tools: [lookUpTool()],
      middleware: () => [toolRetryMiddleware({ tools: ["another"], ...QUICK })],
    }));
    expect(graph).toEqual(agent);
    expect(lastText(graph)).toBe("They were delivered.");
  });

  test("swallows interrupt() in a tool, upstream's defect langchainjs#11649, on both", async () => {
    let executions = 0;
    const [agent, graph] = await both(() => ({
      script: replyByTurn([ONE_CALL, ANSWER]),
      tools: [
        lookUpTool(() => {
          executions += 1;
          return String(interrupt("Refund it?"));
        }),
      ],
      middleware: () => [toolRetryMiddleware({ maxRetries: 2, ...QUICK })],
    }));
    expect(graph).toEqual(agent);
    expect(graph.turns[0]?.interrupts).toBeUndefined();
    expect(executions).toBe(6);
  });
});

describe("toolErrorMiddleware", () => {
  test("turns a tool's error into what the model is told", async () => {
    const [agent, graph] = await both(() => ({
      script: replyByTurn([TWO_CALLS, ANSWER]),
      tools: [flakyTool(9)],
      middleware: () => [
        toolErrorMiddleware({ onError: (error) => `Sorry: ${(error as Error).message}` }),
      ],
    }));
    expect(graph).toEqual(agent);
    expect(graph.turns[0]?.messages?.[3]).toMatchObject({
      text: "Sorry: try 1 on 8 failed",
      status: "error",
      tool: "look_up",
    });
  });

  test("lets an error pass that it has no words for", async () => {
    const [agent, graph] = await both(() => ({
      script: replyByTurn([ONE_CALL, ANSWER]),
      tools: [flakyTool(9)],
      middleware: () => [toolErrorMiddleware({ onError: () => undefined })],
      fatalToolErrors: true,
    }));
    expect(graph).toEqual(agent);
    expect(graph.turns[0]?.error).toBe("try 1 on 9 failed");
  });

  test("lets interrupt() in a tool pause the run, and the resume answer it", async () => {
    const [agent, graph] = await both(
      () => ({
        script: replyByTurn([ONE_CALL, ANSWER]),
        tools: [lookUpTool((order) => `order ${order}: ${interrupt("Refund it?")}`)],
        middleware: () => [toolErrorMiddleware({ onError: () => "an error" })],
      }),
      [ASK, new Command({ resume: "approved" })],
    );
    expect(graph).toEqual(agent);
    expect(graph.turns[0]?.interrupts).toEqual(["Refund it?"]);
    expect(graph.turns[1]?.messages?.[2]?.text).toBe("order 9: approved");
  });
});

describe("modelFallbackMiddleware", () => {
  test("asks the next model where one fails", async () => {
    const [agent, graph] = await both(() => ({
      script: (request, context) =>
        request.model === "gpt-5.0" ? replyByTurn([TWO_CALLS, ANSWER])(request, context) : busy(),
      tools: [lookUpTool()],
      middleware: (model) => [modelFallbackMiddleware(model("gpt-5.1"), model("gpt-5.0"))],
    }));
    expect(graph).toEqual(agent);
    expect(graph.asked.map(({ model }) => model)).toEqual([
      "gpt-5.2",
      "gpt-5.1",
      "gpt-5.0",
      "gpt-5.2",
      "gpt-5.1",
      "gpt-5.0",
    ]);
    expect(graph.asked[2]?.tools).toEqual(["look_up"]);
  });

  test("throws the last failure where every model fails", async () => {
    const [agent, graph] = await both(() => ({
      script: busy,
      tools: [lookUpTool()],
      middleware: (model) => [modelFallbackMiddleware(model("gpt-5.1"))],
    }));
    expect(graph).toEqual(agent);
    expect(graph.asked).toHaveLength(2);
    expect(graph.turns[0]?.error).toMatch("503");
  });
});

describe.each([
  { title: "with a system prompt", given: { systemPrompt: "You help." } },
  { title: "without one", given: {} },
])("contextEditingMiddleware $title", ({ given }) => {
  const make = (): AgentParts => ({
    script: replyByTurn([TWO_CALLS, ONE_CALL, ANSWER]),
    tools: [lookUpTool()],
    middleware: () => [
      contextEditingMiddleware({
        edits: [new ClearToolUsesEdit({ trigger: { messages: 4 }, keep: { messages: 1 } })],
      }),
    ],
    ...given,
  });

  test("clears the same old results from what the model is asked", async () => {
    const [agent, graph] = await both(make);
    expect(graph.asked).toEqual(agent.asked);
    expect(JSON.stringify(graph.asked.at(-1)).split("[cleared]")).toHaveLength(3);
  });

  test("erases them from createAgent's saved state, upstream's defect, not from the graph's", async () => {
    const [agent, graph, agents] = await both(make);
    const saved = await Promise.all(
      agents.map(async (one) => plainMessages((await one.state())["messages"] as BaseMessage[])),
    );
    const results = saved.map((messages) =>
      messages.filter(({ type }) => type === "tool").map(({ text }) => text),
    );
    expect(results).toEqual([
      ["[cleared]", "[cleared]", "order 9: delivered"],
      ["order 7: delivered", "order 8: delivered", "order 9: delivered"],
    ]);
    const withoutText = ({ turns }: Course) =>
      turns[0]?.messages?.map((message) => ({ ...message, text: message.type }));
    expect(withoutText(graph)).toEqual(withoutText(agent));
  });
});

describe("llmToolSelectorMiddleware", () => {
  const others = ["refund", "cancel"].map((name) =>
    tool(() => "done", { name, description: `${name}s an order`, schema: z.object({}) }),
  );
  const script: ChatScript = (request, context) =>
    request.response_format === undefined
      ? replyByTurn([ONE_CALL, ANSWER])(request, context)
      : { json: { tools: ["look_up"] } };

  test.each([
    { title: "a model of its own", own: true },
    { title: "the agent's model", own: false },
  ])("offers the model what $title has selected", async ({ own }) => {
    const [agent, graph] = await both(() => ({
      script,
      tools: [lookUpTool(), ...others],
      middleware: (model) => [
        // Its published type of options is `never`.
        llmToolSelectorMiddleware({
          maxTools: 2,
          alwaysInclude: ["cancel"],
          ...(own ? { model: model("gpt-5.0") } : {}),
        } as never),
      ],
    }));
    expect(graph).toEqual(agent);
    expect(graph.asked).toHaveLength(4);
    expect(graph.asked[1]?.tools).toEqual(["look_up", "cancel"]);
  });
});

describe("dynamicSystemPromptMiddleware", () => {
  const prompt = () =>
    dynamicSystemPromptMiddleware(
      (state) => `${(state as { messages: unknown[] }).messages.length} messages so far.`,
    );

  test.each([{ systemPrompt: "You help." }, {}])("adds to the system prompt %o", async (given) => {
    const [agent, graph] = await both(
      () => ({
        script: (request, context) =>
          request.messages.some((message) => message.tool_call_id === "call-1")
            ? ANSWER
            : replyByTurn([TWO_CALLS])(request, context),
        tools: [lookUpTool()],
        middleware: () => [prompt()],
        ...given,
      }),
      [ASK, ASK_AGAIN],
    );
    expect(graph).toEqual(agent);
    expect(JSON.stringify(graph.asked[1]?.messages[0])).toMatch("4 messages so far.");
  });

  test("takes a system message as well", async () => {
    const [agent, graph] = await both(() => ({
      script: replyByTurn([ANSWER]),
      tools: [lookUpTool()],
      systemPrompt: "You help.",
      middleware: () => [
        dynamicSystemPromptMiddleware(
          () => new SystemMessage({ content: [{ type: "text", text: "Briefly." }] }),
        ),
      ],
    }));
    expect(graph).toEqual(agent);
    expect(graph.asked).toHaveLength(1);
  });
});

describe("toolEmulatorMiddleware", () => {
  const script: ChatScript = (request, context) =>
    JSON.stringify(request.messages).includes("You are emulating")
      ? { content: "order 9: emulated" }
      : replyByTurn([ONE_CALL, ANSWER])(request, context);

  test.each([
    { title: "a model of its own", own: true },
    { title: "the agent's model", own: false },
  ])("answers by $title in the tool's place", async ({ own }) => {
    let executions = 0;
    const [agent, graph] = await both(() => ({
      script,
      tools: [lookUpTool(() => String((executions += 1)))],
      middleware: (model) => [toolEmulatorMiddleware(own ? { model: model("gpt-5.0") } : {})],
    }));
    expect(graph).toEqual(agent);
    expect(graph.turns[0]?.messages?.[2]?.text).toBe("order 9: emulated");
    expect(executions).toBe(0);
  });

  test("lets other tools run", async () => {
    const [agent, graph] = await both(() => ({
      script,
      tools: [lookUpTool()],
      middleware: () => [toolEmulatorMiddleware({ tools: ["another"] })],
    }));
    expect(graph).toEqual(agent);
    expect(graph.turns[0]?.messages?.[2]?.text).toBe("order 9: delivered");
  });
});

describe("a stack of several", () => {
  test("runs in the same order, outermost first", async () => {
    const [agent, graph] = await both(() => ({
      script: (request, context) => {
        if (request.model === "gpt-5.2") return busy();
        return replyByTurn([TWO_CALLS, ANSWER])(request, context);
      },
      tools: [flakyTool(1)],
      systemPrompt: "You help.",
      middleware: (model) => [
        dynamicSystemPromptMiddleware(() => "Briefly."),
        modelFallbackMiddleware(model("gpt-5.1")),
        modelRetryMiddleware({ maxRetries: 1, onFailure: "error", ...QUICK }),
        toolErrorMiddleware({ onError: (error) => `Sorry: ${(error as Error).message}` }),
        toolRetryMiddleware({ maxRetries: 1, ...QUICK }),
      ],
    }));
    expect(graph).toEqual(agent);
    expect(graph.asked.map(({ model }) => model)).toEqual([
      "gpt-5.2",
      "gpt-5.2",
      "gpt-5.1",
      "gpt-5.2",
      "gpt-5.2",
      "gpt-5.1",
    ]);
    expect(graph.turns[0]?.messages?.[2]?.text).toBe("order 7: delivered at try 2");
  });
});

describe("middleware with hooks that are nodes of createAgent", () => {
  // The published option types of these collapse to `never` under a strict compiler.
  const refused = [
    {
      title: "humanInTheLoopMiddleware",
      make: () => humanInTheLoopMiddleware({ interruptOn: {} } as never),
    },
    {
      title: "modelCallLimitMiddleware",
      make: () => modelCallLimitMiddleware({ runLimit: 3 } as never),
    },
    {
      title: "toolCallLimitMiddleware",
      make: () => toolCallLimitMiddleware({ runLimit: 3 } as never),
    },
    { title: "piiMiddleware", make: () => piiMiddleware("email") },
    {
      title: "deepagents' filesystem middleware with its beforeAgent",
      make: () => createFilesystemMiddleware(),
    },
  ];

  test.each(refused)("is refused on a StateGraph, and why: $title", ({ make }) => {
    const builder = new StateGraph(MessagesAnnotation)
      .addNode("agent", () => ({}))
      .addEdge(START, "agent");
    const middleware = make() as unknown as ForeignMiddleware;
    const wrap = (): unknown => withMiddleware(builder, [middleware]);
    expect(wrap).toThrow(expect.objectContaining({ code: "unsupported-hook" }));
    expect(wrap).toThrow(/(before|after)(Agent|Model).*createAgent/);
  });

  test.each(refused)("runs inside createAgent under withMiddleware: $title", async ({ make }) => {
    const model = scriptedModel([{ content: "Hello." }]);
    const agent = createAgent({ model, tools: [], middleware: [make() as never] });
    const result = await withMiddleware(agent).invoke(ASK as never);
    expect((result as { messages: BaseMessage[] }).messages.at(-1)?.text).toBe("Hello.");
  });
});

/** What deepagents' filesystem middleware wraps; its `beforeAgent` needs a node of createAgent. */
function filesystem(options: Parameters<typeof createFilesystemMiddleware>[0] = {}): object {
  const { beforeAgent: _node, ...wraps } = createFilesystemMiddleware(options) as unknown as {
    beforeAgent: unknown;
  };
  return wraps;
}

function call(name: string, args: Record<string, unknown>, id: string): ChatReply {
  return { toolCalls: [{ name, args, id }] };
}

describe("deepagents' filesystem middleware", () => {
  const paths = async (agents: TestAgent[]): Promise<unknown[]> =>
    Promise.all(
      agents.map(async (agent) => {
        const files = (await agent.state())["files"] as Record<string, { content: unknown }>;
        return Object.entries(files).map(([path, { content }]) => [path, content]);
      }),
    );

  test("offers its tools, runs them, and keeps `files` in the state", async () => {
    const [agent, graph, agents] = await both(
      () => ({
        script: replyByTurn([
          call("write_file", { file_path: "/notes.txt", content: "first\nsecond" }, "call-1"),
          call(
            "edit_file",
            { file_path: "/notes.txt", old_string: "second", new_string: "third" },
            "call-2",
          ),
          call("read_file", { file_path: "/notes.txt" }, "call-3"),
          call("grep", { pattern: "third" }, "call-4"),
          ANSWER,
        ]),
        tools: [lookUpTool()],
        systemPrompt: "You help.",
        middleware: () => [filesystem({ systemPrompt: "You have files." })],
      }),
      [ASK],
    );
    expect(graph).toEqual(agent);
    expect(graph.asked).toHaveLength(5);
    expect(graph.asked[0]?.tools).toContain("write_file");
    const [own, ours] = await paths(agents);
    expect(ours).toEqual(own);
    expect(ours).toEqual([["/notes.txt", "first\nthird"]]);
  });

  test("finds in a later turn what an earlier one wrote", async () => {
    const [agent, graph, agents] = await both(
      () => ({
        script: (request, context) =>
          replyByTurn(
            JSON.stringify(request.messages).includes("And order 9?")
              ? [call("read_file", { file_path: "/notes.txt" }, "call-5"), ANSWER]
              : [
                  call("write_file", { file_path: "/notes.txt", content: "kept" }, "call-1"),
                  ANSWER,
                ],
          )(request, context),
        tools: [lookUpTool()],
        middleware: () => [filesystem()],
      }),
      [ASK, ASK_AGAIN],
    );
    expect(graph).toEqual(agent);
    expect(graph.turns[1]?.messages?.at(-2)?.text).toMatch("kept");
    const [own, ours] = await paths(agents);
    expect(ours).toEqual(own);
  });

  test("moves a large result of the user's own tool into `files`", async () => {
    const [agent, graph, agents] = await both(() => ({
      script: replyByTurn([
        TWO_CALLS,
        call("read_file", { file_path: "/large_tool_results/call-1.txt", limit: 1 }, "call-4"),
        ANSWER,
      ]),
      tools: [lookUpTool((order) => `order ${order}\n`.repeat(40))],
      middleware: () => [filesystem({ toolTokenLimitBeforeEvict: 20 })],
    }));
    expect(graph).toEqual(agent);
    const [own, ours] = await paths(agents);
    expect(ours).toEqual(own);
    expect((ours as [string][]).map(([path]) => path)).toEqual([
      "/large_tool_results/call-1.txt",
      "/large_tool_results/call-2.txt",
    ]);
    expect(graph.turns[0]?.messages?.at(-2)?.text).toMatch("order 7");
  });

  test("reads files that came with the input", async () => {
    const file = {
      content: "given",
      mimeType: "text/plain",
      created_at: "2026-01-01T00:00:00.000Z",
      modified_at: "2026-01-01T00:00:00.000Z",
    };
    const [agent, graph, agents] = await both(
      () => ({
        script: replyByTurn([call("read_file", { file_path: "/given.txt" }, "call-1"), ANSWER]),
        tools: [lookUpTool()],
        middleware: () => [filesystem()],
      }),
      [{ ...ASK, files: { "/given.txt": file } }],
    );
    expect(graph).toEqual(agent);
    expect(graph.turns[0]?.messages?.[2]?.text).toMatch("given");
    const [own, ours] = await paths(agents);
    expect(ours).toEqual(own);
  });
});
