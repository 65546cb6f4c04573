import { describe, expect, test } from "vitest";

import { NATIVE_AGENTS, REACT_AGENTS } from "./support/agents.ts";
import { bare, checkpointCounts, historyOf, thread, watched } from "./support/both.ts";
import { plain } from "./support/plain.ts";

describe.each([...REACT_AGENTS, ...NATIVE_AGENTS])("$title", ({ build, input, models, tools }) => {
  test("gives the bare agent's result and keys", async () => {
    const one = await bare(build).graph.invoke(input, thread());
    const two = await watched(build).graph.invoke(input, thread());
    expect(plain(two)).toEqual(plain(one));
    expect(Object.keys(two)).toEqual(Object.keys(one));
  });

  test("takes the bare agent's supersteps and checkpoints", async () => {
    const one = bare(build);
    const two = watched(build);
    await one.graph.invoke(input, thread());
    await two.graph.invoke(input, thread());
    expect(await historyOf(two.graph, thread())).toEqual(await historyOf(one.graph, thread()));
    expect(await checkpointCounts(two.kit)).toEqual(await checkpointCounts(one.kit));
  });

  test("passes every model and tool call through the middleware once", async () => {
    const { graph, kit, spy } = watched(build);
    await graph.invoke(input, thread());
    expect(spy.models).toHaveLength(models);
    expect(kit.modelCalls()).toBe(models);
    expect(spy.tools).toHaveLength(tools);
    expect(new Set(spy.tools).size).toBe(tools);
    expect(spy.runs).toHaveLength(1);
    expect(spy.events).toEqual([]);
  });
});
