import { Annotation, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { beforeEach, describe, expect, test, vi } from "vitest";

import { withMiddleware } from "../src/index.ts";

let warn: ReturnType<typeof vi.spyOn>;
beforeEach(() => {
  warn = vi.spyOn(process, "emitWarning").mockReturnValue();
});

/** A graph that reads a topic and changes nothing. */
function reader(topic: string, output?: "messages only") {
  const state = Annotation.Root({
    ...MessagesAnnotation.spec,
    [topic]: Annotation<string>,
  });
  const schema = output === undefined ? state : { state, output: MessagesAnnotation };
  return new StateGraph(schema as typeof state)
    .addNode("read", () => ({}))
    .addEdge(START, "read")
    .compile();
}

interface Shape {
  readonly topic: string;
  readonly reduced?: boolean;
  readonly second?: object;
  readonly inTurn?: boolean;
}

/** Two graphs in nodes of one, side by side unless they take turns. */
function pair({ topic, reduced = false, second = reader(topic), inTurn = false }: Shape) {
  const channel = reduced
    ? Annotation<string>({ reducer: (_, next) => next, default: () => "" })
    : Annotation<string>;
  const state = Annotation.Root({ ...MessagesAnnotation.spec, [topic]: channel });
  return new StateGraph(state)
    .addNode("research", reader(topic))
    .addNode("write", second as never)
    .addEdge(START, "research")
    .addEdge(inTurn ? "research" : START, "write")
    .compile();
}

describe("a channel for one value that two graphs side by side give back", () => {
  test("is warned of at construction, once, with both nodes and the way out", () => {
    withMiddleware(pair({ topic: "theme" }));
    withMiddleware(pair({ topic: "theme" }));
    expect(warn).toHaveBeenCalledOnce();
    const [message, options] = warn.mock.calls[0] ?? [];
    expect(message).toMatch(/nodes "research" and "write" .* give back "theme".*reducer/);
    expect(options).toEqual({ type: "EvenkeelWarning", code: "EVENKEEL_PARALLEL_WRITES" });
  });

  test("fails the run as the warning says, though neither changed it", async () => {
    const graph = pair({ topic: "subject" });
    const run = graph.invoke({ messages: [], subject: "ships" } as never);
    await expect(run).rejects.toThrow(/Invalid update for channel "subject"/);
  });

  test("is found in a graph within the graph", () => {
    const outer = new StateGraph(MessagesAnnotation)
      .addNode("team", pair({ topic: "inner" }))
      .addEdge(START, "team")
      .compile();
    withMiddleware(outer);
    expect(warn).toHaveBeenCalledOnce();
  });
});

test.each<[string, Shape]>([
  ["with a reducer", { topic: "reduced", reduced: true }],
  ["in turn", { topic: "turn", inTurn: true }],
  ["where one of them leaves it out", { topic: "out", second: reader("out", "messages only") }],
  ["beside a function, whose writes nobody knows", { topic: "fn", second: () => ({}) }],
])("nothing is said of graphs %s, and the run completes", async (_title, shape) => {
  const graph = pair(shape);
  withMiddleware(graph);
  expect(warn).not.toHaveBeenCalled();
  const input = { messages: [], [shape.topic]: "ships" };
  await expect(graph.invoke(input as never)).resolves.toMatchObject({ [shape.topic]: "ships" });
});
