import { CoreError, memoryStore, withMiddleware, wrapModel } from "@evenkeel/core";
import type { EvenkeelStore } from "@evenkeel/core";
import { scriptedModel } from "@evenkeel/testing";
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { describe, expect, it } from "vitest";
import { z } from "zod";

import { idempotencyKey, idempotentTool, toolIdempotencyMiddleware } from "../src/index.ts";
import { KINDS, SCOPE, bank, calls, doing, dying, leaseOver } from "./support/bank.ts";

const done = { content: "Done." };

describe.each(KINDS)("on $name", (kind) => {
  it("does and records a call although its sibling's claim failed", async () => {
    const store = memoryStore();
    const keeps: EvenkeelStore = {
      ...store,
      claimEffect: async (request) => {
        if (request.tool === "broken") {
          throw new CoreError({ code: "schema-not-set-up", message: "the row is locked away" });
        }
        return store.claimEffect(request);
      },
    };
    const made: string[] = [];
    const pay = doing("pay", () => made.push("pay"));
    const broken = doing("broken", () => made.push("broken"));
    const turn = calls(["broken"], ["pay"]);
    const one = await bank({ kind, turns: [turn, done], does: [pay, broken], keeps });
    await expect(one.start()).rejects.toThrow("the row is locked away");
    expect(made).toEqual(["pay"]);
    const effects = await store.listEffects({ scope: SCOPE });
    expect(effects.map(({ tool: name, status }) => `${name} ${status}`)).toEqual(["pay settled"]);
  });

  it("records what was done although the run was aborted and the store was away meanwhile", async () => {
    const store = memoryStore();
    const abort = new AbortController();
    let away = 2;
    const keeps: EvenkeelStore = {
      ...store,
      settleEffect: async (claim, settlement) => {
        abort.abort(new Error("the user left"));
        if ((away -= 1) >= 0) throw new CoreError({ code: "store-unavailable", message: "gone" });
        return store.settleEffect(claim, settlement);
      },
    };
    const pay = doing("pay", () => "paid");
    const one = await bank({
      kind,
      turns: [calls(["pay"]), done],
      does: [pay],
      keeps,
      leaseMs: 5_000,
    });
    await expect(one.start("Please.", { signal: abort.signal })).rejects.toThrow();
    // LangGraph tells the caller at once; what is at work goes on to its record.
    await expect
      .poll(async () => (await store.listEffects({ scope: SCOPE }))[0]?.status)
      .toBe("settled");
  });

  it("does not begin a call whose run was aborted while it was claimed, and makes it next time", async () => {
    const store = memoryStore();
    const abort = new AbortController();
    const keeps: EvenkeelStore = {
      ...store,
      claimEffect: async (request) => {
        const outcome = await store.claimEffect(request);
        if (!abort.signal.aborted) abort.abort(new Error("the user left"));
        return outcome;
      },
    };
    let times = 0;
    const pay = doing("pay", () => `paid ${(times += 1)}`);
    const one = await bank({ kind, turns: [calls(["pay"]), done], does: [pay], keeps });
    await expect(one.start("Please.", { signal: abort.signal })).rejects.toThrow();
    expect(times).toBe(0);
    const [effect] = await store.listEffects({ scope: SCOPE });
    expect(effect?.status).toBe("void");
    const { answers } = await one.go(null);
    expect(answers.map(({ text }) => text)).toEqual(["paid 1"]);
  });

  it("takes a tool that protects itself for one effect with the graph's protection", async () => {
    const keeps = memoryStore();
    const keys: string[] = [];
    const bare = doing("pay", () => keys.push(idempotencyKey()));
    const pay = idempotentTool(bare, { store: keeps, effect: "once", leaseMs: 100 });
    const one = await bank({ kind, turns: [calls(["pay"]), done], does: [pay], keeps });
    const { answers } = await one.start();
    expect(answers.map(({ text }) => text)).toEqual(["1"]);
    expect(keys).toHaveLength(1);
    expect(await keeps.listEffects({ scope: SCOPE, status: "settled" })).toHaveLength(1);
  });
});

describe("a worker that wins an execution from another one", () => {
  it.each(KINDS)("goes on from where that one left it, on $name", async (kind) => {
    const saver = new MemorySaver();
    const keeps = memoryStore();
    let times = 0;
    const pay = doing("pay", () => `paid ${(times += 1)}`);
    const turns = [calls(["pay"]), done];
    const first = await bank({
      kind,
      turns,
      does: [pay],
      saver,
      keeps: dying(keeps, 1),
      default: "keyed",
    });
    await expect(first.start()).rejects.toThrow("the worker dies here");
    await leaseOver();
    let asked = 0;
    const second = await bank({
      kind,
      turns: () => {
        asked += 1;
        return done;
      },
      does: [pay],
      saver,
      default: "keyed",
      keeps: {
        ...keeps,
        // The second has read the thread by now.
        acquireLease: async (request) => {
          await first.go(null);
          return keeps.acquireLease(request);
        },
      },
    });
    const { messages } = await second.go(null);
    expect(messages.at(-1)?.text).toBe("Done.");
    expect(asked).toBe(0);
    expect(times).toBe(2);
  });
});

describe("a worker that takes up an execution", () => {
  it.each(KINDS)(
    "leaves the thread alone where a newer input came first, on $name",
    async (kind) => {
      const saver = new MemorySaver();
      const keeps = memoryStore();
      const made: string[] = [];
      const pay = doing("pay", ({ order }: { order: string }) => made.push(order));
      const turns = [calls(["pay", { order: "A" }]), calls(["pay", { order: "B" }])];
      const shared = { kind, does: [pay], saver };
      const first = await bank({ ...shared, turns, keeps });
      await first.start("A, please.", { interruptBefore: ["tools"] });
      const late = await bank({
        ...shared,
        turns: [done],
        keeps: {
          ...keeps,
          // The late one has read by now that A is to be carried on.
          acquireLease: async (request) => {
            await first.start("B instead, please.", { interruptBefore: ["tools"] });
            return keeps.acquireLease(request);
          },
        },
      });
      await expect(late.go(null)).rejects.toMatchObject({ code: "execution-busy" });
      expect(made).toEqual([]);
    },
  );
});

describe("a tool that fails after its effect", () => {
  it.each(["zod", "JSON schema"])(
    "because another tool refused its arguments stands as unknown (%s)",
    async (form) => {
      const shape = z.object({ order: z.string() });
      const inner = tool(() => "told", {
        name: "tell",
        description: "Tells.",
        schema: z.object({ order: z.number() }),
      });
      let times = 0;
      const work = async ({ order }: { order: string }): Promise<string> => {
        times += 1;
        return String(await inner.invoke({ order } as never));
      };
      const pay = tool(work as never, {
        name: "pay",
        description: "Pays.",
        schema: form === "zod" ? shape : (z.toJSONSchema(shape) as never),
      });
      const turn = calls(["pay", { order: "A1" }]);
      const one = await bank({ turns: [turn, turn, done], does: [pay], onUnknown: "message" });
      const { answers } = await one.start();
      expect(times).toBe(1);
      expect(answers[1]?.additional_kwargs["evenkeel"]).toMatchObject({ code: "effect-unknown" });
    },
  );

  it("is void where its own schema refused the arguments, and right ones are made", async () => {
    let times = 0;
    const pay = tool(() => `paid ${(times += 1)}`, {
      name: "pay",
      description: "Pays.",
      schema: z.object({ order: z.string() }),
    });
    const key = (): string => "the one payment";
    const turns = [calls(["pay", { order: 7 }]), calls(["pay", { order: 7 }]), done];
    const one = await bank({ turns, does: [pay], tools: { pay: { effect: "once", key } } });
    const { answers } = await one.start();
    expect(times).toBe(0);
    expect(answers.map(({ status }) => status)).toEqual(["error", "error"]);
    const [effect] = await one.store.listEffects({ scope: SCOPE });
    expect(effect?.status).toBe("void");
  });
});

describe("a keyed effect whose worker died", () => {
  it.each([
    ["done", "it was refunded", 1],
    ["not-done", "refunded 2", 2],
    ["unknown", "refunded 2", 2],
  ] as const)("is looked up where that can be done: %s", async (status, said, made) => {
    let times = 0;
    const refund = doing("refund", () => `refunded ${(times += 1)}`);
    const reconcile = (): { status: typeof status; result: string } => ({
      status,
      result: "it was refunded",
    });
    const keeps = dying(memoryStore(), 1);
    const tools = { refund: { effect: "keyed" as const, reconcile } };
    const one = await bank({ turns: [calls(["refund"]), done], does: [refund], keeps, tools });
    await expect(one.start()).rejects.toThrow("the worker dies here");
    await leaseOver();
    const { answers } = await one.go(null);
    expect(answers.map(({ text }) => text)).toEqual([said]);
    expect(times).toBe(made);
  });
});

describe("several of them", () => {
  it("hold an execution together where they share a store", async () => {
    const keeps = memoryStore();
    const made: string[] = [];
    const model = wrapModel(scriptedModel([calls(["pay"], ["mail"]), done]));
    const tools = [doing("pay", () => made.push("pay")), doing("mail", () => made.push("mail"))];
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => ({
        messages: [await model.bindTools(tools).invoke(messages)],
      }))
      .addNode("tools", new ToolNode(tools))
      .addEdge(START, "agent")
      .addConditionalEdges("agent", toolsCondition)
      .addEdge("tools", "agent")
      .compile({ checkpointer: new MemorySaver() });
    const agent = withMiddleware(graph, [
      toolIdempotencyMiddleware({ store: keeps, name: "payments", tools: { mail: "pure" } }),
      toolIdempotencyMiddleware({ store: { ...keeps }, name: "mails", default: "keyed" }),
    ]);
    const { messages } = await agent.invoke(
      { messages: [new HumanMessage("Please.")] },
      { configurable: { thread_id: "thread" } },
    );
    expect(messages.filter((message) => ToolMessage.isInstance(message))).toHaveLength(2);
    expect(made.toSorted()).toEqual(["mail", "pay"]);
    const effects = await keeps.listEffects({ scope: SCOPE, status: "settled" });
    expect(effects.map(({ tool: name, effect }) => `${name} ${effect}`).toSorted()).toEqual([
      "mail keyed",
      "pay once",
    ]);
    const lease = { scope: SCOPE, threadId: "thread", owner: "next", leaseMs: 1_000 };
    const executionId = effects[0]?.executionId ?? "";
    expect(await keeps.acquireLease({ ...lease, executionId })).toMatchObject({ granted: true });
  });
});
