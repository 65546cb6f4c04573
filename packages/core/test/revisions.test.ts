import { tool } from "@langchain/core/tools";
import { Annotation, MemorySaver, START, Send, StateGraph } from "@langchain/langgraph";
import { describe, expect, test } from "vitest";
import { z } from "zod";

import { defineMiddleware, withMiddleware, wrapTools } from "../src/index.ts";
import type { Middleware, RunRequest } from "../src/index.ts";

const config = { configurable: { thread_id: "thread-1" } };

/** Counts calls of tools in memory and keeps the count; `revised` says whether it is revised. */
function counting(revised: boolean, save = false): Middleware {
  let last = { calls: 0, revision: 0 };
  return defineMiddleware({
    name: "countingMiddleware",
    options: {},
    state: { _count: { reset: "never", forks: "execution" } },
    async wrapToolCall(request, handler, { state }) {
      const result = await handler(request);
      const calls = last.calls + 1;
      last = { calls, revision: calls };
      const entry = revised ? last : { calls };
      if (save) await state.save("_count", { sum: entry });
      else state.write("_count", { sum: entry });
      return result;
    },
  });
}

/** Three tasks at once; the first one by path is the last one to come to its end. */
function parallelGraph(middleware: Middleware, checkpointer: MemorySaver) {
  const ended = [0, 1, 2].map(() => deferred());
  const [wait] = wrapTools([
    tool(() => "waited", { name: "wait", schema: z.object({ place: z.number() }) }),
  ]);
  const State = Annotation.Root({ place: Annotation<number>() });
  return withMiddleware(
    new StateGraph(State)
      .addNode("work", async ({ place }) => {
        await ended[place + 1]?.promise;
        await wait.invoke({ place });
        ended[place]?.resolve();
        return {};
      })
      .addConditionalEdges(START, () => [0, 1, 2].map((place) => new Send("work", { place })), [
        "work",
      ]),
    [middleware],
    { checkpointer },
  );
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}

async function kept(checkpointer: MemorySaver): Promise<unknown> {
  const tuple = await checkpointer.getTuple(config);
  return tuple?.checkpoint.channel_values["_count"];
}

describe("what parallel tasks count up together", () => {
  test("keeps its highest revision, whichever task comes to its end last", async () => {
    const saver = new MemorySaver();
    await parallelGraph(counting(true), saver).invoke({ place: 0 }, config);
    expect(await kept(saver)).toMatchObject({ d: { sum: { calls: 3, revision: 3 } } });
  });

  test("without a revision is what the last task by path wrote", async () => {
    const saver = new MemorySaver();
    await parallelGraph(counting(false), saver).invoke({ place: 0 }, config);
    expect(await kept(saver)).toMatchObject({ d: { sum: { calls: 1 } } });
  });
});

describe("what belongs to the thread and was saved by a run that came to nothing", () => {
  const failing = (saver: MemorySaver, states: unknown[]) => {
    const [note] = wrapTools([tool(() => "noted", { name: "note", schema: z.object({}) })]);
    let runs = 0;
    const seeing = defineMiddleware({
      name: "seeingMiddleware",
      options: {},
      wrapRun: (request: RunRequest, handler) => {
        states.push(request.state["_count"]);
        return handler(request);
      },
    });
    return withMiddleware(
      new StateGraph(Annotation.Root({ ms: Annotation<number>() }))
        .addNode("work", async () => {
          await note.invoke({});
          runs += 1;
          if (runs === 1) throw new Error("out of paper");
          return {};
        })
        .addEdge(START, "work"),
      [counting(true, true), seeing],
      { checkpointer: saver },
    );
  };

  test("holds in the execution that is resumed", async () => {
    const saver = new MemorySaver();
    const graph = failing(saver, []);
    await expect(graph.invoke({ ms: 0 }, config)).rejects.toThrow("out of paper");
    await graph.invoke(null, config);
    expect(await kept(saver)).toMatchObject({ e: null, d: { sum: { calls: 2 } } });
  });

  test("holds for the next input, which begins another execution", async () => {
    const saver = new MemorySaver();
    const states: unknown[] = [];
    const graph = failing(saver, states);
    await expect(graph.invoke({ ms: 0 }, config)).rejects.toThrow("out of paper");
    await graph.invoke({ ms: 1 }, config);
    expect(states[1]).toMatchObject({ e: null, d: { sum: { calls: 1 } } });
    expect(await kept(saver)).toMatchObject({ d: { sum: { calls: 2 } } });
  });
});
