import { withMiddleware, wrapModel } from "@evenkeel/core";
import type { EvenkeelEvent } from "@evenkeel/core";
import { HumanMessage, SystemMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import {
  Annotation,
  Command,
  END,
  MemorySaver,
  MessagesAnnotation,
  START,
  Send,
  StateGraph,
  interrupt,
} from "@langchain/langgraph";
import { createAgent } from "langchain";
import { describe, expect, test } from "vitest";
import { z } from "zod";

import { configFreezeMiddleware } from "../src/index.ts";
import { deploy, thread } from "./support/agent.ts";
import type { TestGraph } from "./support/agent.ts";
import { askTwice, askingGraph } from "./support/ask.ts";
import { stateOf } from "./support/rewrite-state.ts";
import { modelOf, monday, toolsOf, tuesday } from "./support/shop.ts";
import type { Release } from "./support/shop.ts";
import { useWire } from "./support/wire.ts";

const wire = useWire({ script: () => ({ content: "ok" }) });
const gpt = (release: Partial<Release> = {}): ReturnType<typeof modelOf> =>
  modelOf({ ...monday, ...release }, wire.endpoint().url);
const says = (prompt: string): SystemMessage => new SystemMessage(prompt);
const hello = new HumanMessage("hello");
const resume = (): Command => new Command({ resume: "yes" });

async function sitesIn(saver: MemorySaver): Promise<string[]> {
  return Object.keys(await stateOf(saver, "_configSites")).toSorted();
}

const models = (): unknown[] => wire.sent().map((_, at) => wire.body(at)["model"]);
const prompts = (): string[] =>
  wire.sent().map(({ prompt }) => (JSON.parse(prompt) as { content: string }[])[0]?.content ?? "");

describe("a node that calls its model and then", () => {
  function node(release: Release, saver: MemorySaver, after: () => unknown): TestGraph {
    const model = wrapModel(gpt(release));
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("work", async () => {
        await model.invoke([says(release.prompt), hello]);
        await after();
        return {};
      })
      .addEdge(START, "work")
      .compile({ checkpointer: saver });
    return withMiddleware(graph, [configFreezeMiddleware()]);
  }

  test("pauses makes the call again as it was frozen", async () => {
    const saver = new MemorySaver();
    const asks = (): unknown => interrupt("wait");
    await node(monday, saver, asks).invoke({ messages: [] }, thread());
    await node(tuesday, saver, asks).invoke(resume(), thread());
    const [first, second] = wire.sent();
    expect(second).toEqual(first);
  });

  test("fails makes the call again as it was frozen", async () => {
    const saver = new MemorySaver();
    const fails = (): never => {
      throw new Error("full disk");
    };
    await expect(node(monday, saver, fails).invoke({ messages: [] }, thread())).rejects.toThrow();
    await node(tuesday, saver, () => undefined).invoke(null, thread());
    const [first, second] = wire.sent();
    expect(second).toEqual(first);
  });
});

describe("several models in one node", () => {
  test("are one site each, and keep their own configuration whichever is called", async () => {
    const events: EvenkeelEvent[] = [];
    const small = wrapModel(gpt({ model: "gpt-4o" }));
    const large = wrapModel(gpt({ model: "gpt-5.2" }));
    let call = 0;
    const ask = async (): Promise<void> => {
      call += 1;
      await (call === 1 ? small : large).invoke([hello]);
    };
    const graph = askingGraph(ask, new MemorySaver(), [configFreezeMiddleware()], events);
    await graph.invoke({ messages: [hello] }, thread());
    await graph.invoke(resume(), thread());
    expect(models()).toEqual(["gpt-4o", "gpt-5.2"]);
  });

  test("are found again after a resume, though the other one is called first", async () => {
    const order: number[] = [0, 1, 1, 0];
    const ask = (): (() => Promise<void>) => {
      const both = ["gpt-4o", "gpt-5.2"].map((model) => wrapModel(gpt({ model })));
      return async () => {
        for (let at = 0; at < 2; at += 1) await both[order.shift() ?? 0]?.invoke([hello]);
      };
    };
    await askTwice(ask(), ask()).catch(() => undefined);
    expect(models().slice(0, 4)).toEqual(["gpt-4o", "gpt-5.2", "gpt-5.2", "gpt-4o"]);
  });

  test("keep their places where one of them was deployed anew", async () => {
    const ask = (first: string, second: string, turned: boolean) => {
      const both = [first, second].map((model) => wrapModel(gpt({ model })));
      return async (): Promise<void> => {
        for (const model of turned ? both.toReversed() : both) await model.invoke([hello]);
      };
    };
    await askTwice(ask("gpt-4o", "gpt-5.2", false), ask("gpt-4.1", "gpt-5.2", true));
    expect(models()).toEqual(["gpt-4o", "gpt-5.2", "gpt-5.2", "gpt-4o", "gpt-5.2", "gpt-4o"]);
  });

  test("are told apart by `site`, whatever a deploy changes and in whatever order", async () => {
    const ask = (release: Release, turned: boolean) => {
      const both = ["small", "large"].map((site) =>
        wrapModel(gpt({ ...release, model: `${release.model}-${site}` }), { site }),
      );
      return async (): Promise<void> => {
        for (const model of turned ? both.toReversed() : both) await model.invoke([hello]);
      };
    };
    const { saver } = await askTwice(ask(monday, false), ask(tuesday, true));
    expect(models().slice(0, 4)).toEqual([
      "gpt-5.2-small",
      "gpt-5.2-large",
      "gpt-5.2-large",
      "gpt-5.2-small",
    ]);
    expect(await sitesIn(saver)).toEqual(["ask#large", "ask#small"]);
  });

  test("built in the node itself are found by their order", async () => {
    const ask = (release: Release) => async (): Promise<void> => {
      await wrapModel(gpt(release)).invoke([says(release.prompt), hello]);
    };
    const { saver } = await askTwice(ask(monday), ask(tuesday));
    const [first, ...later] = wire.sent();
    expect(later).toEqual([first, first]);
    expect(await sitesIn(saver)).toEqual(["ask#0"]);
  });

  test("that are one model, bare and with tools, are two sites", async () => {
    const ask = (release: Release) => {
      const model = wrapModel(gpt(release));
      const bound = model.bindTools(toolsOf(release));
      return async (): Promise<void> => {
        await model.invoke([hello]);
        await bound.invoke([hello]);
      };
    };
    await askTwice(ask(monday), ask(tuesday));
    const [plain, tools, ...later] = wire.sent();
    expect(plain?.rest).not.toContain("approve");
    expect(tools?.rest).toContain("refund");
    expect(later).toEqual([plain, tools, plain, tools]);
  });
});

describe("a prompt that changes between two calls", () => {
  const asks = (day: string) => {
    const model = wrapModel(gpt());
    let call = 0;
    return async (): Promise<void> => {
      call += 1;
      await model.invoke([says(`${day}, call ${call}`), hello]);
      await model.invoke([says(`${day}, call ${call}b`), hello]);
    };
  };

  test("is recorded and never replaced, over a resume as well", async () => {
    const { saver } = await askTwice(asks("Monday"), asks("Tuesday"));
    expect(prompts()).toEqual([
      "Monday, call 1",
      "Monday, call 1b",
      "Tuesday, call 1",
      "Tuesday, call 1b",
      "Tuesday, call 2",
      "Tuesday, call 2b",
    ]);
    const { "ask#0": entry } = await stateOf(saver, "_configSites");
    expect(entry).toMatchObject({ dynamic: true });
    expect(JSON.stringify(entry)).toContain("Monday, call 1");
  });

  test("keeps settings and tools frozen", async () => {
    const ask = (release: Release) => {
      const model = wrapModel(gpt(release)).bindTools(toolsOf(release));
      return async (): Promise<void> => {
        await model.invoke([says(`${release.prompt} One.`), hello]);
        await model.invoke([says(`${release.prompt} Two.`), hello]);
      };
    };
    await askTwice(ask(monday), ask(tuesday));
    const rests = wire.sent().map(({ rest }) => rest);
    expect(new Set(rests).size).toBe(1);
    expect(prompts()[2]).toBe("You are strict. One.");
  });

  test("is frozen by being built from config", async () => {
    const ask = (release: Release, freeze: { config(): { tone: string } }) => {
      const model = wrapModel(gpt());
      return async (): Promise<void> => {
        const { tone } = freeze.config();
        for (const step of ["One", "Two"]) await model.invoke([says(`${tone} ${step}.`), hello]);
        expect(release.prompt).not.toBe(tone);
      };
    };
    const saver = new MemorySaver();
    const graph = (release: Release): TestGraph => {
      const freeze = configFreezeMiddleware({
        config: () => ({ tone: `Tone of ${release.model}` }),
      });
      return askingGraph(ask(release, freeze), saver, [freeze]);
    };
    await graph(monday).invoke({ messages: [hello] }, thread());
    await graph(tuesday).invoke(resume(), thread());
    expect(prompts()).toEqual(["One.", "Two.", "One.", "Two."].map((s) => `Tone of gpt-5.2 ${s}`));
  });
});

describe("parallel tasks at one site", () => {
  const State = Annotation.Root({
    items: Annotation<string[]>({ reducer: (one, more) => [...one, ...more], default: () => [] }),
  });

  function fanOut(
    release: Release,
    saver: MemorySaver,
    prompt: (item: string) => string,
    fails: (item: string) => boolean = () => false,
  ): TestGraph {
    const model = wrapModel(gpt(release));
    const graph = new StateGraph(State)
      .addNode("begin", async () => ({}))
      .addNode("item", async ({ items }) => {
        const [item = ""] = items;
        await model.invoke([says(prompt(item)), hello]);
        if (fails(item)) throw new Error(`no ${item}`);
        return { items: [`${item}!`] };
      })
      .addEdge(START, "begin")
      .addConditionalEdges(
        "begin",
        () => ["a", "b", "c"].map((item) => new Send("item", { items: [item] })),
        ["item"],
      )
      .compile({ checkpointer: saver });
    return withMiddleware(graph, [configFreezeMiddleware()]);
  }

  test("freeze it once", async () => {
    const saver = new MemorySaver();
    await fanOut(monday, saver, () => "Same.").invoke({}, thread());
    expect(await sitesIn(saver)).toEqual(["item#0"]);
    const [first, ...later] = wire.sent();
    expect(later).toEqual([first, first]);
  });

  test("with prompts of their own each keep their own", async () => {
    await fanOut(monday, new MemorySaver(), (item) => `Item ${item}.`).invoke({}, thread());
    expect(prompts().toSorted()).toEqual(["Item a.", "Item b.", "Item c."]);
  });

  test("of which one failed make its call again as the first was frozen", async () => {
    const saver = new MemorySaver();
    const failing = fanOut(
      monday,
      saver,
      () => "Same.",
      (item) => item === "b",
    );
    await expect(failing.invoke({}, thread())).rejects.toThrow("no b");
    const before = wire.sent().length;
    const result = await fanOut(tuesday, saver, () => "Other.").invoke(null, thread());
    expect(result["items"]).toEqual(expect.arrayContaining(["a!", "b!", "c!"]));
    const sent = wire.sent();
    expect(sent.length).toBeGreaterThan(before);
    expect(sent).toEqual(sent.map(() => sent[0]));
  });
});

describe("a fork", () => {
  test("from before the first call of a site gets what another branch froze", async () => {
    const saver = new MemorySaver();
    const agent = (release: Release): TestGraph =>
      deploy({
        model: gpt(release),
        prompt: release.prompt,
        tools: toolsOf(release),
        checkpointer: saver,
        middleware: [configFreezeMiddleware()],
      });
    await agent(monday).invoke({ messages: [hello] }, thread());
    const history: { configurable?: Record<string, unknown> }[] = [];
    for await (const { config } of agent(tuesday).getStateHistory(thread())) history.push(config);
    for (const config of history.toReversed().slice(0, 2)) {
      await agent(tuesday).invoke(null, config);
    }
    const [first, ...later] = wire.sent();
    expect(later).toEqual([first, first]);
  });

  test("made by updateState keeps the configuration", async () => {
    const saver = new MemorySaver();
    const agent = (release: Release): TestGraph =>
      deploy({
        model: gpt(release),
        prompt: release.prompt,
        tools: toolsOf(release),
        checkpointer: saver,
        middleware: [configFreezeMiddleware()],
      });
    await agent(monday).invoke({ messages: [hello] }, thread());
    const update = { messages: [new HumanMessage("something else")] };
    const forked = await agent(tuesday).updateState(thread(), update, "tools");
    await agent(tuesday).invoke(null, forked as Record<string, unknown>);
    const [first, second] = wire.sent();
    expect(second).toEqual(first);
  });
});

test("a graph without any message list is frozen", async () => {
  const State = Annotation.Root({
    text: Annotation<string>,
    facts: Annotation<string>,
    kind: Annotation<string>,
  });
  const saver = new MemorySaver();
  const graph = (release: Release): TestGraph => {
    const [extract, classify, write] = ["extract", "classify", "write"].map(() =>
      wrapModel(gpt(release)),
    );
    const ask = async (model: typeof extract, task: string, text: string): Promise<string> =>
      String(
        (
          await model?.invoke([
            ["system", `${release.prompt} ${task}`],
            ["user", text],
          ])
        )?.content,
      );
    return withMiddleware(
      new StateGraph(State)
        .addNode("extract", async ({ text }) => ({ facts: await ask(extract, "Extract.", text) }))
        .addNode("classify", async ({ facts }) => {
          const kind = await ask(classify, "Classify.", facts);
          interrupt("right?");
          return { kind };
        })
        .addNode("write", async ({ kind }) => ({ text: await ask(write, "Write.", kind) }))
        .addEdge(START, "extract")
        .addEdge("extract", "classify")
        .addEdge("classify", "write")
        .compile({ checkpointer: saver }),
      [configFreezeMiddleware()],
    );
  };
  await graph(monday).invoke({ text: "an order" }, thread());
  const result = await graph(tuesday).invoke(resume(), thread());
  expect(result["text"]).toBe("ok");
  const [, first, again] = wire.sent();
  expect(again).toEqual(first);
  expect(await sitesIn(saver)).toEqual(["classify#0", "extract#0", "write#0"]);
});

describe("a model that is called inside a tool", () => {
  test("is a site of that tool: two tools share no configuration", async () => {
    const saver = new MemorySaver();
    const model = wrapModel(gpt());
    const helper = (name: string, tools: string[]): ReturnType<typeof tool> =>
      tool(
        async () => {
          const bound = model.bindTools(toolsOf({ ...monday, tools: tools as never }));
          await bound.invoke([says(`You are ${name}.`), hello]);
          return name;
        },
        { name, schema: z.object({}) },
      ) as never;
    const { ToolNode } = await import("@langchain/langgraph/prebuilt");
    const { AIMessage } = await import("@langchain/core/messages");
    const calls = ["clerk", "judge"].map((name) => ({
      name,
      args: {},
      id: name,
      type: "tool_call",
    }));
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("plan", async () => ({
        messages: [new AIMessage({ content: "", tool_calls: calls as never })],
      }))
      .addNode("tools", new ToolNode([helper("clerk", ["approve"]), helper("judge", ["refund"])]))
      .addEdge(START, "plan")
      .addEdge("plan", "tools")
      .compile({ checkpointer: saver });
    await withMiddleware(graph, [configFreezeMiddleware()]).invoke({ messages: [] }, thread());
    expect(await sitesIn(saver)).toEqual(["tools/clerk#0", "tools/judge#0"]);
    expect(prompts().toSorted()).toEqual(["You are clerk.", "You are judge."]);
    const ofJudge = wire.sent().find(({ prompt }) => prompt.includes("judge"));
    expect(ofJudge?.rest).toContain("refund");
  });
});

describe("graphs in graphs", () => {
  function inner(release: Release) {
    const model = wrapModel(gpt(release));
    return new StateGraph(MessagesAnnotation)
      .addNode("ask", async () => {
        await model.invoke([says(release.prompt), hello]);
        return { messages: [hello] };
      })
      .addNode("pause", async () => {
        interrupt("wait");
        return {};
      })
      .addEdge(START, "ask")
      .addConditionalEdges("ask", ({ messages }) => (messages.length < 2 ? "pause" : END))
      .addEdge("pause", "ask")
      .compile();
  }
  const outer = (node: unknown, checkpointer: MemorySaver) =>
    new StateGraph(MessagesAnnotation)
      .addNode("team", node as never)
      .addEdge(START, "team")
      .compile({ checkpointer });
  const freeze = (): ReturnType<typeof configFreezeMiddleware> => configFreezeMiddleware();

  const KINDS: [string, (release: Release, saver: MemorySaver) => unknown][] = [
    [
      "a subgraph node of a graph with middleware",
      (release, saver) => withMiddleware(outer(inner(release), saver), [freeze()]),
    ],
    [
      "a graph with middleware in a graph with middleware",
      (release, saver) =>
        withMiddleware(outer(withMiddleware(inner(release), [freeze()]), saver), [freeze()]),
    ],
    [
      "a graph called by a function node",
      (release, saver) => {
        const graph = inner(release);
        const node = (state: object): Promise<object> => graph.invoke(state);
        return withMiddleware(outer(node, saver), [freeze()]);
      },
    ],
    [
      "a graph with middleware in a bare graph",
      (release, saver) => outer(withMiddleware(inner(release), [freeze()]), saver),
    ],
  ];

  test.each(KINDS)("%s is frozen over a resume", async (_title, build) => {
    const saver = new MemorySaver();
    await (build(monday, saver) as TestGraph).invoke({ messages: [] }, thread());
    await (build(tuesday, saver) as TestGraph).invoke(resume(), thread());
    const [first, second] = wire.sent();
    expect(second).toEqual(first);
  });

  test("a bare graph around one with middleware keeps what a paused node was frozen to", async () => {
    const saver = new MemorySaver();
    const graph = (release: Release): TestGraph => {
      const model = wrapModel(gpt(release));
      const node = new StateGraph(MessagesAnnotation)
        .addNode("work", async () => {
          await model.invoke([says(release.prompt), hello]);
          interrupt("wait");
          return {};
        })
        .addEdge(START, "work")
        .compile();
      return outer(withMiddleware(node, [freeze()]), saver);
    };
    await graph(monday).invoke({ messages: [] }, thread());
    await graph(tuesday).invoke(resume(), thread());
    const [first, second] = wire.sent();
    expect(second).toEqual(first);
  });

  test("an agent of createAgent that a function node calls is frozen", async () => {
    const saver = new MemorySaver();
    const graph = (release: Release): TestGraph => {
      const agent = createAgent({
        model: wrapModel(gpt(release)) as never,
        tools: [],
        systemPrompt: release.prompt,
      });
      return askingGraph((messages) => agent.invoke({ messages } as never), saver, [
        configFreezeMiddleware(),
      ]);
    };
    await graph(monday).invoke({ messages: [hello] }, thread());
    await graph(tuesday).invoke(resume(), thread());
    const [first, second] = wire.sent();
    expect(second).toEqual(first);
  });
});

describe("a run without a checkpointer", () => {
  test("is frozen from its first call on", async () => {
    let call = 0;
    const model = (): ReturnType<typeof gpt> => wrapModel(gpt({ temperature: (call += 1) / 10 }));
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("ask", async () => {
        for (let at = 0; at < 3; at += 1) {
          await wrapModel(model(), { site: "one" }).invoke([says("Help."), hello]);
        }
        return {};
      })
      .addEdge(START, "ask")
      .compile();
    await withMiddleware(graph, [configFreezeMiddleware()]).invoke({ messages: [] });
    const temperatures = wire.sent().map((_, at) => wire.body(at)["temperature"]);
    expect(temperatures).toEqual([0.1, 0.1, 0.1]);
  });
});

test("a new input on the thread begins a new execution with today's configuration", async () => {
  const saver = new MemorySaver();
  const agent = (release: Release): TestGraph =>
    deploy({
      model: gpt(release),
      prompt: release.prompt,
      tools: toolsOf(release),
      checkpointer: saver,
      middleware: [configFreezeMiddleware()],
    });
  await agent(monday).invoke({ messages: [hello] }, thread());
  await agent(tuesday).invoke({ messages: [new HumanMessage("next")] }, thread());
  expect(prompts()).toEqual(["You are kind.", "You are strict."]);
});

test("an execution whose first checkpoint was pruned keeps what its branch froze", async () => {
  const saver = new MemorySaver();
  const graph = (release: Release): TestGraph => {
    const model = wrapModel(gpt(release));
    const ask = async (): Promise<void> => {
      await model.invoke([says(release.prompt), hello]);
    };
    return askingGraph(ask, saver, [configFreezeMiddleware()]);
  };
  await graph(monday).invoke({ messages: [hello] }, thread());
  const { storage, writes } = saver as unknown as Record<"storage" | "writes", object>;
  const [checkpoints] = Object.values(storage).map(
    (namespaces) => (namespaces as { "": object })[""],
  );
  const [first = ""] = Object.keys(checkpoints ?? {}).toSorted();
  Reflect.deleteProperty(checkpoints ?? {}, first);
  for (const key of Object.keys(writes))
    if (key.includes(first)) Reflect.deleteProperty(writes, key);
  await graph(tuesday).invoke(resume(), thread());
  const [one, two] = wire.sent();
  expect(two).toEqual(one);
});
