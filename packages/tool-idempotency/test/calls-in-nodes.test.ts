import { memoryStore, withMiddleware, wrapTools } from "@evenkeel/core";
import type { EvenkeelStore } from "@evenkeel/core";
import { evenkeelPostgres } from "@evenkeel/postgres";
import { freshDatabase } from "@evenkeel/testing";
import type { FreshDatabase } from "@evenkeel/testing";
import { Annotation, INTERRUPT, MemorySaver, START, StateGraph } from "@langchain/langgraph";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { toolIdempotencyMiddleware } from "../src/index.ts";
import type { ToolEffectOptions, ToolIdempotencyOptions } from "../src/index.ts";
import { doing, dying, leaseOver } from "./support/bank.ts";

const State = Annotation.Root({
  rounds: Annotation<number>({ reducer: (_, next) => next, default: () => 0 }),
});

type Charge = (order: string) => Promise<unknown>;
type Shape = (charge: Charge) => StateGraph<typeof State.spec, typeof State.State>;

interface Agent {
  invoke(input: unknown, config: object): Promise<Record<string, unknown>>;
  updateState(config: object, values: object): Promise<unknown>;
  getStateHistory(
    config: object,
  ): AsyncIterable<{ config: { configurable?: object }; next: string[] }>;
}

interface Workers {
  /** One run of a worker of its own: what was asked, and what it threw. */
  run(input: unknown, over?: Partial<ToolIdempotencyOptions>, at?: object): Promise<unknown>;
  agent(): Agent;
  readonly charged: string[];
}

const thread = { configurable: { thread_id: "thread" } };

// Asked about a call its worker died at, the service knows of it.
const effect: ToolEffectOptions = {
  effect: "keyed",
  reconcile: () => ({ status: "done", result: "charged before" }),
};

function workers(store: EvenkeelStore, shape: Shape, id = "thread"): Workers {
  const charged: string[] = [];
  const checkpointer = new MemorySaver();
  const [tool] = wrapTools([
    doing("charge", ({ order }: { order: string }) => {
      charged.push(order);
      return `charged ${order}`;
    }),
  ]);
  const agent = (over: Partial<ToolIdempotencyOptions> = {}): Agent =>
    withMiddleware(
      shape((order) => (tool as unknown as Agent).invoke({ order }, {})).compile({
        checkpointer,
      }) as never,
      [toolIdempotencyMiddleware({ store, leaseMs: 100, tools: { charge: effect }, ...over })],
    );
  return {
    charged,
    agent,
    async run(input, over, at = {}) {
      const configurable = { thread_id: id, ...at };
      const result = await agent(over).invoke(input, { configurable });
      // A graph that wrote nothing answers nothing.
      return (result as Record<string, unknown> | undefined)?.[INTERRUPT];
    },
  };
}

const parallel =
  (one: string, other: string): Shape =>
  (charge) =>
    new StateGraph(State)
      .addNode("a", async () => (await charge(one), {}))
      .addNode("b", async () => (await charge(other), {}))
      .addEdge(START, "a")
      .addEdge(START, "b") as never;

const serial =
  (...orders: readonly [string, string, string]): Shape =>
  (charge) =>
    new StateGraph(State)
      .addNode("a", async () => (await charge(orders[0]), {}))
      .addNode("b", async () => (await charge(orders[1]), {}))
      .addNode("c", async () => (await charge(orders[2]), {}))
      .addEdge(START, "a")
      .addEdge("a", "b")
      .addEdge("b", "c") as never;

const loop =
  (...orders: readonly string[]): Shape =>
  (charge) =>
    new StateGraph(State)
      .addNode("again", async ({ rounds }) => {
        await charge(orders[rounds] ?? "");
        return { rounds: rounds + 1 };
      })
      .addEdge(START, "again")
      .addConditionalEdges("again", ({ rounds }) =>
        rounds < orders.length ? "again" : "__end__",
      ) as never;

const nested: Shape = (charge) =>
  new StateGraph(State)
    .addNode("a", serial("A1", "A2", "A1")(charge).compile() as never)
    .addNode("b", async () => (await charge("A1"), {}))
    .addNode("c", async () => (await charge("A2"), {}))
    .addEdge(START, "a")
    .addEdge(START, "c")
    .addEdge("a", "b") as never;

const nestedAlone: Shape = (charge) =>
  new StateGraph(State)
    .addNode("a", serial("A1", "A2", "A1")(charge).compile() as never)
    .addNode("b", async () => (await charge("A1"), {}))
    .addEdge(START, "a")
    .addEdge("a", "b") as never;

const SHAPES: readonly [string, Shape, readonly string[]][] = [
  ["two parallel nodes", parallel("A1", "A2"), ["A1", "A2"]],
  ["two parallel nodes that mean the same order", parallel("A1", "A1"), ["A1", "A1"]],
  ["serial nodes", serial("A1", "A2", "A3"), ["A1", "A2", "A3"]],
  ["serial nodes with equal orders", serial("A1", "A2", "A1"), ["A1", "A1", "A2"]],
  ["a loop with other orders", loop("A1", "A2", "A3"), ["A1", "A2", "A3"]],
  ["a loop with equal orders", loop("A1", "A1", "A1"), ["A1", "A1", "A1"]],
  ["a subgraph, a node beside and one after it", nested, ["A1", "A1", "A1", "A2", "A2"]],
];

const CRASHES: typeof SHAPES = [
  ...SHAPES.slice(0, -1),
  ["a subgraph, and a node after it", nestedAlone, ["A1", "A1", "A1", "A2"]],
];

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase({ maxConnections: 4 });
});
afterAll(() => database.drop());

let round = 0;
const STORES: Readonly<Record<string, () => Promise<EvenkeelStore>>> = {
  memory: async () => memoryStore(),
  Postgres: async () => {
    const schema = `${database.schema ?? "evenkeel"}_nodes_${(round += 1)}`;
    const store = evenkeelPostgres(database.pool, { schema });
    await store.setup();
    return store;
  },
};

describe.each(Object.entries(STORES))(
  "tools called inside nodes, their ledger in %s",
  (_, make) => {
    it.each(SHAPES)("%s: each call is an effect of its own", async (_name, shape, all) => {
      const { run, charged } = workers(await make(), shape);
      expect(await run({})).toBeUndefined();
      expect(charged.toSorted()).toEqual(all);
    });

    it.each(CRASHES)(
      "%s: killed at each settlement, nothing is asked",
      async (_name, shape, all) => {
        const store = await make();
        const deaths = all.map(async (_order, settlements) => {
          const { run, charged } = workers(store, shape, `thread ${settlements}`);
          const dies = run({}, { store: dyingAfter(store, settlements) });
          await expect(dies).rejects.toMatchObject({ code: "lease-lost" });
          await leaseOver();
          expect(await run(null)).toBeUndefined();
          expect(charged.toSorted()).toEqual(all);
        });
        await Promise.all(deaths);
      },
    );

    it("a fork meets what was done from there on, and asks about what changed", async () => {
      let changed = false;
      const { run, agent, charged } = workers(await make(), (charge) =>
        serial("A1", "A2", "A3")((order) => charge(changed && order === "A2" ? "B2" : order)),
      );
      await run({});
      const before = await beforeNode(agent(), "b");
      expect(await run(null, {}, before)).toBeUndefined();
      expect(charged).toEqual(["A1", "A2", "A3"]);
      changed = true;
      expect(JSON.stringify(await run(null, {}, before))).toContain("charged A2");
      expect(charged).toEqual(["A1", "A2", "A3"]);
    });

    it("a node that is entered again after its state was edited meets what it did", async () => {
      let fails = true;
      const { run, agent, charged } = workers(await make(), (charge) =>
        serial(
          "A1",
          "A1",
          "A3",
        )(async (order) => {
          await charge(order);
          if (charged.length === 2 && fails) throw new Error("after its effect");
        }),
      );
      await expect(run({})).rejects.toThrow("after its effect");
      fails = false;
      await agent().updateState(thread, { rounds: 7 });
      expect(await run(null)).toBeUndefined();
      expect(charged).toEqual(["A1", "A1", "A3"]);
    });

    it("a node that is entered again with other arguments asks", async () => {
      let order = "A2";
      const { run, charged } = workers(await make(), (charge) =>
        serial(
          "A1",
          "A2",
          "A3",
        )(async (wanted) => {
          await charge(wanted === "A2" ? order : wanted);
          if (order === "A2" && wanted === "A2") throw new Error("after its effect");
        }),
      );
      await expect(run({})).rejects.toThrow("after its effect");
      order = "B2";
      const question = JSON.stringify(await run(null));
      expect(question).toContain("charged A2");
      expect(question).not.toContain("charged A1");
      expect(charged).toEqual(["A1", "A2"]);
    });
  },
);

/** A store whose worker dies at a settlement: at the first one after so many. */
function dyingAfter(store: EvenkeelStore, settlements: number): EvenkeelStore {
  const death = dying(store, 1);
  let left = settlements;
  return {
    ...store,
    settleEffect: (claim, settlement) =>
      (left -= 1) >= 0
        ? store.settleEffect(claim, settlement)
        : death.settleEffect(claim, settlement),
  };
}

async function beforeNode(agent: Agent, node: string): Promise<object> {
  for await (const { config, next } of agent.getStateHistory(thread)) {
    if (next.includes(node)) return config.configurable ?? {};
  }
  throw new Error(`no checkpoint stands before ${node}`);
}
