import { describe, expect, test } from "vitest";

import { bare, historyOf, thread, watched } from "./support/both.ts";
import { plain } from "./support/plain.ts";
import { STATE_GRAPHS } from "./support/state-graphs.ts";

describe.each(STATE_GRAPHS)("$title", ({ build, input, models, tools }) => {
  test("gives the bare graph's result and keys", async () => {
    const one = await bare(build).graph.invoke(input, thread());
    const two = await watched(build).graph.invoke(input, thread());
    expect(plain(two)).toEqual(plain(one));
    expect(Object.keys(two)).toEqual(Object.keys(one));
  });

  test("takes the bare graph's supersteps and checkpoints", async () => {
    const one = bare(build);
    const two = watched(build);
    await one.graph.invoke(input, thread());
    await two.graph.invoke(input, thread());
    expect(await historyOf(two.graph, thread())).toEqual(await historyOf(one.graph, thread()));
  });

  test("passes every model and tool call through the middleware once", async () => {
    const { graph, kit, spy } = watched(build);
    await graph.invoke(input, thread());
    expect(spy.models).toHaveLength(models);
    expect(kit.modelCalls()).toBe(models);
    expect(spy.tools).toHaveLength(tools);
    expect(new Set(spy.tools).size).toBe(tools);
    expect(spy.runs).toHaveLength(1);
    expect(spy.outcomes).toEqual(["completed"]);
    expect(spy.events).toEqual([]);
  });

  test("runs without a checkpointer", async () => {
    const { graph, spy } = watched(build, { checkpointer: false });
    const one = await bare(build).graph.invoke(input, thread());
    expect(plain(await graph.invoke(input))).toEqual(plain(one));
    expect(spy.models).toHaveLength(models);
  });
});
