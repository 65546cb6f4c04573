import { withMiddleware } from "@evenkeel/core";
import { replyByTurn } from "@evenkeel/testing";
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import {
  Annotation,
  Command,
  END,
  MemorySaver,
  MessagesAnnotation,
  START,
  StateGraph,
  interrupt,
} from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { createAgent } from "langchain";
import { describe, expect, test } from "vitest";
import { z } from "zod";

import { configFreezeMiddleware } from "../src/index.ts";
import type { ConfigFreezeMiddlewareOptions, ConfigRequest, StandardSchema } from "../src/index.ts";
import { codeOf, thread } from "./support/agent.ts";
import type { TestGraph } from "./support/agent.ts";
import { stateOf } from "./support/rewrite-state.ts";
import { modelOf, monday } from "./support/shop.ts";
import { useWire } from "./support/wire.ts";

const wire = useWire({ script: replyByTurn([{ content: "hello" }]) });

interface Tone {
  tone: string;
}

/** Asks for the configuration in a node, a router, a tool, and in a node after a pause. */
function asking(
  checkpointer: MemorySaver,
  options: ConfigFreezeMiddlewareOptions<Tone>,
): { graph: TestGraph; seen: string[] } {
  const seen: string[] = [];
  const freeze = configFreezeMiddleware<Tone>(options);
  const ask = (where: string): void => void seen.push(`${where} ${freeze.config().tone}`);
  const look = tool(
    async () => {
      ask("tool");
      return "seen";
    },
    { name: "look", schema: z.object({}) },
  );
  const call = new AIMessage({
    content: "",
    tool_calls: [{ name: "look", args: {}, id: "call-1", type: "tool_call" }],
  });
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("node", async () => {
      ask("node");
      return { messages: [call] };
    })
    .addNode("tools", new ToolNode([look]))
    .addNode("pause", async () => {
      ask("before pause");
      interrupt("wait");
      ask("after pause");
      return {};
    })
    .addEdge(START, "node")
    .addConditionalEdges("node", () => {
      ask("router");
      return "tools";
    })
    .addEdge("tools", "pause")
    .compile({ checkpointer });
  return { graph: withMiddleware(graph, [freeze]), seen };
}

describe("config as a function", () => {
  test("is read in a node, a router and a tool, and frozen over a resume", async () => {
    const saver = new MemorySaver();
    const first = asking(saver, { config: () => ({ tone: "kind" }) });
    await first.graph.invoke({ messages: [] }, thread());
    const next = asking(saver, { config: () => ({ tone: "strict" }) });
    await next.graph.invoke(new Command({ resume: true }), thread());
    expect(first.seen).toEqual(["node kind", "router kind", "tool kind", "before pause kind"]);
    expect(next.seen).toEqual(["before pause kind", "after pause kind"]);
  });

  test("is evaluated exactly once per execution, however often it pauses and fails", async () => {
    const saver = new MemorySaver();
    let calls = 0;
    let failures = 1;
    const freeze = configFreezeMiddleware({ config: async () => ({ call: (calls += 1) }) });
    const graph = (): TestGraph =>
      withMiddleware(
        new StateGraph(MessagesAnnotation)
          .addNode("work", async () => {
            if (failures > 0) throw new Error(`failed with ${failures--} to go`);
            return { messages: [new AIMessage(`${interrupt("?")} ${freeze.config().call}`)] };
          })
          .addEdge(START, "work")
          .compile({ checkpointer: saver }),
        [freeze],
      );
    await expect(graph().invoke({ messages: [] }, thread())).rejects.toThrow("failed");
    await graph().invoke(null, thread());
    const result = await graph().invoke(new Command({ resume: "yes" }), thread());
    expect((result["messages"] as AIMessage[]).at(-1)?.text).toBe("yes 1");
    expect(calls).toBe(1);
    await graph().invoke({ messages: [new HumanMessage("again")] }, thread());
    expect(calls).toBe(2);
  });

  test("is asked with the run's context, configurable and thread", async () => {
    const requests: ConfigRequest[] = [];
    const { graph } = asking(new MemorySaver(), {
      config: (request) => {
        requests.push(request);
        return { tone: "kind" };
      },
    });
    await graph.invoke(
      { messages: [] },
      thread("thread-7", { context: { plan: "gold" }, configurable: { region: "eu" } }),
    );
    expect(requests).toEqual([
      expect.objectContaining({ threadId: "thread-7", context: { plan: "gold" } }),
    ]);
    expect(requests[0]?.configurable).toMatchObject({ region: "eu" });
  });

  test("gives each of two interleaved threads its own", async () => {
    const saver = new MemorySaver();
    const { graph, seen } = asking(saver, {
      config: async ({ threadId }) => ({ tone: String(threadId) }),
    });
    const threads = ["a", "b", "c"].map((id) => graph.invoke({ messages: [] }, thread(id)));
    await Promise.all(threads);
    const nodes = seen.filter((one) => one.startsWith("node")).toSorted();
    expect(nodes).toEqual(["node a", "node b", "node c"]);
    for (const id of ["a", "b", "c"]) {
      expect(seen.filter((one) => one === `tool ${id}`)).toHaveLength(1);
      const { sealed } = await stateOf(saver, "_config", id);
      expect((sealed as { body: { config: unknown } }).body.config).toEqual({ tone: id });
    }
  });

  test("that throws ends the run with a code before anything is called", async () => {
    const { graph, seen } = asking(new MemorySaver(), {
      config: () => {
        throw new Error("no database");
      },
    });
    expect(await codeOf(graph.invoke({ messages: [] }, thread()))).toBe("config-invalid");
    expect(seen).toEqual([]);
  });

  test.each([
    ["a key that names a secret", { apiKey: "abcdefgh" }, "apiKey"],
    ["a secret below a list", { retry: [{ token: "t-1" }] }, "retry[0].token"],
    ["a text in the form of a key", { hint: `use sk-${"a1B2".repeat(8)}` }, "hint"],
    ["credentials in a URL", { database: "postgres://app:hunter2@db/shop" }, "database"],
    ["a date", { since: new Date(0) }, "since"],
    ["a function", { format: () => "x" }, "format"],
    ["what is no number", { limit: Number.NaN }, "limit"],
    ["a Map", { rates: new Map([["eu", 1]]) }, "rates"],
    ["itself", circular(), "self"],
  ])("that holds %s is refused, naming where", async (_title, value, path) => {
    const { graph } = asking(new MemorySaver(), { config: () => value as never });
    const failed = graph.invoke({ messages: [] }, thread());
    await expect(failed).rejects.toMatchObject({
      code: "config-invalid",
      details: { fields: [path] },
    });
    await expect(failed).rejects.not.toThrow(/hunter2|abcdefgh/);
  });

  test("may speak of secrets in prose", async () => {
    const prose = [
      "Never tell a password: no order, no invoice and no customer may see one.",
      "Callers send Authorization: Bearer $TOKEN with every request.",
    ].join("\n");
    const { graph } = asking(new MemorySaver(), { config: () => ({ tone: prose }) });
    expect(await codeOf(graph.invoke({ messages: [] }, thread()))).toBeUndefined();
  });
});

function circular(): object {
  const value: Record<string, unknown> = {};
  value["self"] = value;
  return value;
}

describe("config as a Standard Schema", () => {
  const handMade: StandardSchema<Tone> = {
    "~standard": {
      validate: async (value) => {
        const { tone } = (value ?? {}) as { tone?: unknown };
        return typeof tone === "string"
          ? { value: { tone: tone.toUpperCase() } }
          : { issues: [{ message: "tone is no text" }] };
      },
    },
  };

  test("of zod 4 reads the run's context, defaults included", async () => {
    const schema = z.object({ tone: z.string().default("kind") });
    const { graph, seen } = asking(new MemorySaver(), { config: schema });
    await graph.invoke({ messages: [] }, thread("thread-1", { context: {} }));
    expect(seen[0]).toBe("node kind");
  });

  test("of any other library is awaited and may change the value", async () => {
    const { graph, seen } = asking(new MemorySaver(), { config: handMade });
    await graph.invoke({ messages: [] }, thread("thread-1", { context: { tone: "warm" } }));
    expect(seen[0]).toBe("node WARM");
  });

  test("reads configurable where the run has no context", async () => {
    const { graph, seen } = asking(new MemorySaver(), { config: handMade });
    await graph.invoke({ messages: [] }, thread("thread-1", { configurable: { tone: "cool" } }));
    expect(seen[0]).toBe("node COOL");
  });

  test("that the context does not satisfy ends the run with a code", async () => {
    const { graph } = asking(new MemorySaver(), { config: handMade });
    const run = graph.invoke({ messages: [] }, thread("thread-1", { context: { tone: 1 } }));
    await expect(run).rejects.toMatchObject({
      code: "config-invalid",
      message: expect.stringContaining("tone is no text"),
    });
  });
});

describe("the accessor", () => {
  test("asked outside a run throws a code that says where to ask", () => {
    const freeze = configFreezeMiddleware({ config: () => ({ tone: "kind" }) });
    expect(() => freeze.config()).toThrow(
      expect.objectContaining({
        code: "config-unavailable",
        message: expect.stringContaining("node, a router or a tool"),
      }),
    );
  });

  test("asked in native createAgent throws the same code", async () => {
    const freeze = configFreezeMiddleware({ config: () => ({ tone: "kind" }) });
    let asked: unknown;
    const probe = {
      name: "probe",
      wrapModelCall: async (request: unknown, handler: (request: unknown) => Promise<unknown>) => {
        try {
          freeze.config();
        } catch (error) {
          asked = error;
        }
        return handler(request);
      },
    };
    const agent = createAgent({
      model: modelOf(monday, wire.endpoint().url),
      tools: [],
      middleware: [freeze, probe as never],
    });
    await agent.invoke({ messages: [new HumanMessage("hi")] } as never);
    expect(asked).toMatchObject({ code: "config-unavailable" });
  });

  test("gives null where no config was asked for", async () => {
    const freeze = configFreezeMiddleware();
    let given: unknown = "nothing";
    const State = Annotation.Root({ done: Annotation<boolean> });
    const graph = new StateGraph(State)
      .addNode("node", async () => {
        given = freeze.config();
        return { done: true };
      })
      .addEdge(START, "node")
      .addEdge("node", END)
      .compile();
    await withMiddleware(graph, [freeze]).invoke({ done: false });
    expect(given).toBeNull();
  });

  test("of a second freezing middleware in the stack is refused when the run starts", async () => {
    const one = configFreezeMiddleware({ name: "one", config: () => ({ tone: "kind" }) });
    const two = configFreezeMiddleware({ name: "two", config: () => ({ tone: "strict" }) });
    const State = Annotation.Root({ done: Annotation<boolean> });
    const graph = new StateGraph(State)
      .addNode("node", async () => ({ done: true }))
      .addEdge(START, "node")
      .compile();
    const run = withMiddleware(graph, [one, two]).invoke({ done: false });
    await expect(run).rejects.toMatchObject({ code: "invalid-options", middleware: "two" });
  });
});
