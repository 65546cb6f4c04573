import { Annotation, MemorySaver, START, StateGraph, interrupt } from "@langchain/langgraph";
import { describe, expect, test } from "vitest";

import { EvenkeelError, withMiddleware } from "../src/index.ts";
import type { EvenkeelEvent } from "../src/index.ts";
import { collect, thread } from "./support/both.ts";
import type { TestGraph } from "./support/both.ts";
import { retrying } from "./support/retrying.ts";

const State = Annotation.Root({
  log: Annotation<string[]>({ reducer: (one, other) => [...one, ...other], default: () => [] }),
});

function failing(times: number): object {
  let left = times;
  return new StateGraph(State)
    .addNode("one", () => ({ log: ["one"] }))
    .addNode("two", () => {
      if (left-- > 0) throw new Error("two is broken");
      return { log: ["two"] };
    })
    .addEdge(START, "one")
    .addEdge("one", "two");
}

function built(graph: object, seen: ReturnType<typeof retrying>, options: object = {}): TestGraph {
  return withMiddleware(graph, [seen.middleware], options) as unknown as TestGraph;
}

describe("an attempt that cannot begin", () => {
  const refused = async (run: Promise<unknown>): Promise<EvenkeelError> => {
    const error: unknown = await run.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (!EvenkeelError.isInstance(error)) throw new Error(`no coded error: ${String(error)}`);
    return error;
  };

  test("is refused with the failure as its cause where the fork point was pruned", async () => {
    class Forgetful extends MemorySaver {
      override async getTuple(...[config]: Parameters<MemorySaver["getTuple"]>) {
        return config.configurable?.["checkpoint_id"] === undefined
          ? super.getTuple(config)
          : undefined;
      }
    }
    const graph = built(failing(1), retrying("start"), { checkpointer: new Forgetful() });
    const error = await refused(graph.invoke({ log: [] }, thread()));
    expect(error.code).toBe("fork-point-missing");
    expect(error.cause).toMatchObject({ message: "two is broken" });
  });

  test("is refused where the saver answers with its newest checkpoint whatever it is asked for", async () => {
    class Shallow extends MemorySaver {
      override async getTuple(...[config]: Parameters<MemorySaver["getTuple"]>) {
        const { checkpoint_id: _id, ...rest } = config.configurable ?? {};
        return super.getTuple({ configurable: rest });
      }
    }
    const graph = built(failing(1), retrying("start"), { checkpointer: new Shallow() });
    expect((await refused(graph.invoke({ log: [] }, thread()))).code).toBe("fork-point-missing");
  });

  test("is refused under durability exit, which never wrote the point", async () => {
    const graph = built(failing(1), retrying("start"), { checkpointer: new MemorySaver() });
    const run = graph.invoke({ log: [] }, thread("t", { durability: "exit" }));
    const error = await refused(run);
    expect(error.code).toBe("fork-point-missing");
    expect(error.cause).toMatchObject({ message: "two is broken" });
  });

  test("is refused inside a node of a graph without middleware", async () => {
    const inner = built(failing(1), retrying("start"), {});
    const outer = new StateGraph(State)
      .addNode("inner", inner as never)
      .addEdge(START, "inner")
      .compile({ checkpointer: new MemorySaver() });
    const error = await refused(outer.invoke({ log: [] }, thread()));
    expect(error.code).toBe("attempt-unavailable");
    expect(error.cause).toMatchObject({ message: "two is broken" });
  });
});

test("without a checkpointer the input begins the next attempt", async () => {
  const graph = built(failing(2), retrying("start"));
  expect(await graph.invoke({ log: ["in"] })).toEqual({ log: ["in", "one", "two"] });
  const other = built(failing(1), retrying("last-decision"));
  await expect(other.invoke({ log: [] })).rejects.toMatchObject({ code: "attempt-unavailable" });
});

test("an interrupt is no attempt, and the attempt after a resume begins at the first nodes", async () => {
  let left = 1;
  const graph = new StateGraph(State)
    .addNode("one", () => ({ log: ["one"] }))
    .addNode("two", () => ({ log: [`two ${String(interrupt("go on?"))}`] }))
    .addNode("three", () => {
      if (left-- > 0) throw new Error("three is broken");
      return { log: ["three"] };
    })
    .addEdge(START, "one")
    .addEdge("one", "two")
    .addEdge("two", "three");
  const checkpointer = new MemorySaver();
  const seen = retrying("start");
  const { Command } = await import("@langchain/langgraph");
  const agent = built(graph, seen, { checkpointer });
  await agent.invoke({ log: [] }, thread());
  expect(seen.outcomes).toEqual([{ status: "interrupted" }]);
  // The new attempt asks again: what was answered belongs to the attempt that failed.
  const second = await agent.invoke(new Command({ resume: "yes" }), thread());
  expect(second).toMatchObject({ __interrupt__: [{ value: "go on?" }] });
  expect(await agent.invoke(new Command({ resume: "still yes" }), thread())).toEqual({
    log: ["one", "two still yes", "three"],
  });
  expect(seen.requests.map(({ execution }) => execution.attempt)).toEqual([1, 1, 2, 2]);
});

test("the thread's next execution begins with its first attempt", async () => {
  const checkpointer = new MemorySaver();
  const seen = retrying("start");
  const agent = built(failing(1), seen, { checkpointer });
  await agent.invoke({ log: ["a"] }, thread());
  await agent.invoke({ log: ["b"] }, thread());
  expect(seen.requests.map(({ execution }) => execution.attempt)).toEqual([1, 2, 1]);
  const { values } = await agent.getState(thread());
  expect(values).toEqual({ log: ["a", "one", "two", "b", "one", "two"] });
});

describe("chunks", () => {
  test("a failed attempt's are delivered, and an event voids them before the next one's", async () => {
    const agent = built(failing(1), retrying("start"), { checkpointer: new MemorySaver() });
    const chunks = await collect(
      await agent.stream({ log: [] }, thread("t", { streamMode: ["updates", "custom"] })),
    );
    const told = chunks.map((chunk) => {
      const [mode, payload] = chunk as [string, Record<string, { name?: string }>];
      return mode === "custom" ? payload["event"]?.name : Object.keys(payload)[0];
    });
    expect(told).toEqual(["one", "attempt-failed", "attempt-started", "one", "two"]);
  });
});

test("a process that dies resuming at one checkpoint is counted, one that ends alive is not", async () => {
  const checkpointer = new MemorySaver();
  const state = { dies: true };
  const graph = () =>
    new StateGraph(State)
      .addNode("one", () => ({ log: ["one"] }))
      .addNode("two", async () => {
        // A process that is gone never settles.
        if (state.dies) await new Promise(() => undefined);
        return { log: [`two ${String(interrupt("?"))}`] };
      })
      .addEdge(START, "one")
      .addEdge("one", "two");
  const counts: number[] = [];
  const resume = async (): Promise<void> => {
    const seen = retrying("start");
    const events: EvenkeelEvent[] = [];
    const agent = built(graph(), seen, {
      checkpointer,
      onEvent: (event: EvenkeelEvent) => events.push(event),
    });
    const input = counts.length === 0 ? { log: [] } : null;
    void agent.invoke(input, thread()).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 60));
    counts.push(...seen.requests.map(({ deadResumes }) => deadResumes));
  };
  for (let i = 0; i < 4; i += 1) await resume();
  expect(counts).toEqual([0, 0, 1, 2]);
  state.dies = false;
  await resume();
  await resume();
  await resume();
  // The fifth ended at an interrupt: its end forgives those before it.
  expect(counts.slice(4)).toEqual([3, 0, 0]);
});
