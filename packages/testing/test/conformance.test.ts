import { wrapModel } from "@evenkeel/core";
import { MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { describe, expect, test, vi } from "vitest";

import { conformance } from "../src/conformance/conformance.ts";
import { expectConformance } from "../src/conformance/expect-conformance.ts";
import type { GraphKind } from "../src/conformance/graph-kind.ts";
import type { ConformanceOptions } from "../src/conformance/options.ts";
import { bubbleUpBreakers } from "./breakers/bubble-up.ts";
import { repeatGuardMiddleware } from "./breakers/good-acting.ts";
import { quietMiddleware } from "./breakers/good-idle.ts";

const runOf = (law: number, options: ConformanceOptions): Promise<void> | undefined =>
  conformance(options)
    .find((candidate) => candidate.law === law)
    ?.run();

/** A loop whose node writes nothing but messages. */
const lean: GraphKind = {
  name: "LeanGraph",
  build({ model, tools, checkpointer }) {
    const bound = wrapModel(model).bindTools([...tools]);
    return new StateGraph(MessagesAnnotation)
      .addNode("think", async ({ messages }) => ({ messages: [await bound.invoke(messages)] }))
      .addNode("tools", new ToolNode([...tools]))
      .addEdge(START, "think")
      .addConditionalEdges("think", toolsCondition)
      .addEdge("tools", "think")
      .compile({ checkpointer });
  },
};

describe("the laws", () => {
  test("are a list where there is no runner, and none has run", () => {
    const create = vi.fn<typeof quietMiddleware>(quietMiddleware);
    const tests = conformance({ create });
    expect(tests.map(({ law, title }) => title.startsWith(`law ${law}: `))).toEqual(
      Array.from({ length: 19 }, () => true),
    );
    expect(create).toHaveBeenCalledTimes(0);
  });

  test("are the tests of the runner that is given", () => {
    const registered: string[] = [];
    const tests = conformance({
      create: quietMiddleware,
      runner: {
        describe: (title, body) => {
          registered.push(title);
          body();
        },
        test: (title) => void registered.push(title),
      },
    });
    expect(registered).toEqual([
      "quietMiddleware keeps the laws of a middleware",
      ...tests.map(({ title }) => title),
    ]);
  });

  test("run on a graph of one's own, which a failure names", async () => {
    await runOf(2, { create: quietMiddleware, graphs: [lean] });
    const acting = { create: () => repeatGuardMiddleware({ allowed: 0 }), graphs: [lean] };
    await expect(runOf(2, acting)).rejects.toThrow("On LeanGraph, idle: ");
  });

  test("run on the checkpointer that is given", async () => {
    const checkpointer = new MemorySaver();
    const put = vi.spyOn(checkpointer, "put");
    await runOf(15, {
      create: quietMiddleware,
      graphs: ["StateGraph"],
      checkpointer: async () => checkpointer,
    });
    expect(put).toHaveBeenCalled();
  });

  test("take the name of a named function for the factory's", async () => {
    const another = { name: "anotherMiddleware", create: quietMiddleware };
    await expect(runOf(12, another)).rejects.toThrow('its factory "anotherMiddleware"');
    await runOf(12, { create: quietMiddleware });
    await runOf(12, { create: () => quietMiddleware() });
    const create = { otherMiddleware: () => quietMiddleware() }.otherMiddleware;
    await expect(runOf(12, { create })).rejects.toThrow('its factory "otherMiddleware"');
  });
});

describe("bad options are refused with a coded error", () => {
  test.for([
    ["no create", {}, "`create` must be a function"],
    ["retries without attempts", { capabilities: { retries: true } }, "needs `attempts`"],
    ["no kind of graph", { graphs: [] }, "`graphs` is empty"],
    ["an unknown kind of graph", { graphs: ["deepagents"] }, '"deepagents"; allowed are'],
  ] as const)("%s", ([, options, says]) => {
    const given = "graphs" in options || "capabilities" in options;
    const create = given ? quietMiddleware : undefined;
    expect(() => conformance({ create, ...options } as never)).toThrow(
      expect.objectContaining({ code: "invalid-options", message: expect.stringContaining(says) }),
    );
  });

  test("a createAgent without langchain installed", async () => {
    vi.doMock("langchain", () => {
      throw new Error("Cannot find package 'langchain'");
    });
    const checking = runOf(2, { create: quietMiddleware });
    await expect(checking).rejects.toMatchObject({
      code: "langchain-missing",
      message: expect.stringContaining('graphs: ["StateGraph"]'),
    });
    vi.doUnmock("langchain");
  });
});

describe("all laws in one call", () => {
  test("tell which are kept", async () => {
    const kept = await expectConformance({ create: quietMiddleware, graphs: [lean] });
    expect(kept).toHaveLength(19);
    expect(kept[0]).toMatch(/^law 1: /);
  });

  test("fail once, with every broken law and its fix", async () => {
    const [swallows] = bubbleUpBreakers;
    const attempt = expectConformance({ create: quietMiddleware, ...swallows?.options });
    const failure = await attempt.catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "law-broken", details: { laws: [1, 10, 14] } });
    const { message } = failure as Error;
    expect(message).toMatch(/^catchAllMiddleware breaks 3 of 19 laws\./);
    expect(message.match(/^Law \d+ is broken: .+\n.+\nFix: .+$/gm)).toHaveLength(3);
  });
});
