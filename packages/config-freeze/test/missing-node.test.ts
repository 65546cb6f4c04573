import { withMiddleware } from "@evenkeel/core";
import { freshDatabase } from "@evenkeel/testing";
import type { FreshDatabase } from "@evenkeel/testing";
import {
  Annotation,
  Command,
  END,
  MemorySaver,
  START,
  Send,
  StateGraph,
  interrupt,
} from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { configFreezeMiddleware } from "../src/index.ts";
import { thread } from "./support/agent.ts";
import type { TestGraph } from "./support/agent.ts";

let database: FreshDatabase;
let postgres: PostgresSaver;
beforeAll(async () => {
  database = await freshDatabase();
  postgres = new PostgresSaver(database.pool, undefined, { schema: database.schema ?? "public" });
  await postgres.setup();
});
afterAll(() => database.drop());

const State = Annotation.Root({
  done: Annotation<string[]>({ reducer: (one, more) => [...one, ...more], default: () => [] }),
});

type Way = "an edge" | "a Send";

/** Waits at a node of the given name, reached by an edge or by a Send. */
function graphWith(name: string, way: Way, saver: BaseCheckpointSaver, frozen: boolean): TestGraph {
  const wait = async (): Promise<{ done: string[] }> => ({ done: [String(interrupt("wait"))] });
  const graph = new StateGraph(State)
    .addNode("begin", async () => ({ done: ["begun"] }))
    .addNode(name, wait)
    .addEdge(START, "begin")
    .addConditionalEdges("begin", () => (way === "a Send" ? [new Send(name, {})] : name), [
      name,
      END,
    ] as never)
    .compile({ checkpointer: saver });
  return frozen ? withMiddleware(graph, [configFreezeMiddleware()]) : graph;
}

const cases = (["an edge", "a Send"] as const).flatMap((way) =>
  (["memory", "Postgres"] as const).map((kind) => [way, kind] as const),
);

describe.each(cases)("a node that waits by %s on %s", (way, kind) => {
  const saverOf = (): BaseCheckpointSaver => (kind === "memory" ? new MemorySaver() : postgres);

  test("and is gone fails the resume with a code that names it", async () => {
    const saver = saverOf();
    const config = thread(`frozen ${way}`);
    await graphWith("approve", way, saver, true).invoke({}, config);
    const resumed = graphWith("accept", way, saver, true).invoke(
      new Command({ resume: "yes" }),
      config,
    );
    await expect(resumed).rejects.toMatchObject({
      code: "node-missing",
      message: expect.stringContaining('"approve"'),
      details: { nodes: ["approve"] },
    });
  });

  test("and is deployed again is resumed after that failure", async () => {
    const saver = saverOf();
    const config = thread(`again ${way}`);
    await graphWith("approve", way, saver, true).invoke({}, config);
    const gone = graphWith("accept", way, saver, true).invoke(null, config);
    await expect(gone).rejects.toMatchObject({ code: "node-missing" });
    const result = await graphWith("approve", way, saver, true).invoke(
      new Command({ resume: "yes" }),
      config,
    );
    expect(result["done"]).toEqual(["begun", "yes"]);
  });

  test("and is gone ends without a word in the bare graph", async () => {
    const saver = saverOf();
    const config = thread(`bare ${way}`);
    await graphWith("approve", way, saver, false).invoke({}, config);
    const result = await graphWith("accept", way, saver, false).invoke(
      new Command({ resume: "yes" }),
      config,
    );
    expect(result["done"]).toEqual(["begun"]);
  });
});

describe("a node of a subgraph that waits", () => {
  function nested(name: string, saver: BaseCheckpointSaver, frozen: boolean): TestGraph {
    const team = new StateGraph(State)
      .addNode("begin", async () => ({ done: ["begun"] }))
      .addNode(name, async () => ({ done: [String(interrupt("wait"))] }))
      .addEdge(START, "begin")
      .addEdge("begin", name as "begin")
      .compile();
    const graph = new StateGraph(State)
      .addNode("team", team)
      .addNode("end", async () => ({ done: ["ended"] }))
      .addEdge(START, "team")
      .addEdge("team", "end")
      .compile({ checkpointer: saver });
    return frozen ? withMiddleware(graph, [configFreezeMiddleware()]) : graph;
  }

  test("and is gone fails the resume with a code that names it", async () => {
    const saver = new MemorySaver();
    await nested("approve", saver, true).invoke({}, thread());
    const resumed = nested("accept", saver, true).invoke(new Command({ resume: "yes" }), thread());
    await expect(resumed).rejects.toMatchObject({
      code: "node-missing",
      details: { nodes: ["approve"] },
    });
    const again = nested("approve", saver, true);
    const result = await again.invoke(new Command({ resume: "yes" }), thread());
    expect(result["done"]).toEqual(["begun", "yes", "ended"]);
  });

  test("and is gone is passed over without a word in the bare graph", async () => {
    const saver = new MemorySaver();
    await nested("approve", saver, false).invoke({}, thread());
    const result = await nested("accept", saver, false).invoke(
      new Command({ resume: "yes" }),
      thread(),
    );
    expect(result["done"]).toEqual(["begun", "ended"]);
  });
});

test("a new input on such a thread begins a new execution", async () => {
  const saver = new MemorySaver();
  await graphWith("approve", "an edge", saver, true).invoke({}, thread());
  const result = await graphWith("accept", "an edge", saver, true).invoke({ done: [] }, thread());
  expect(result["__interrupt__"]).toMatchObject([{ value: "wait" }]);
});
