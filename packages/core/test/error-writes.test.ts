import { Annotation, MemorySaver, START, StateGraph } from "@langchain/langgraph";
import { expect, test } from "vitest";

import { defineMiddleware, withMiddleware } from "../src/index.ts";
import type { WithMiddlewareOptions } from "../src/index.ts";

const SECRET = `sk-${"Pl4nted0001".repeat(3)}`;
const MESSAGE = `401 for ${SECRET}, password=correct-horse`;
const config = { configurable: { thread_id: "t" } };

/** A graph of two levels whose innermost node fails, with a middleware around it. */
function failing(
  error: Error,
  options: WithMiddlewareOptions,
  handler?: (seen: unknown) => void,
): { run: () => Promise<unknown>; written: () => Promise<string>; error: () => Promise<unknown> } {
  const State = Annotation.Root({ note: Annotation<string> });
  const fail = (): never => {
    throw error;
  };
  const inner = new StateGraph(State).addNode("inner", fail).addEdge(START, "inner").compile();
  const checkpointer = new MemorySaver();
  const outer = new StateGraph(State);
  const nested =
    handler === undefined
      ? outer.addNode("outer", inner)
      : outer.addNode("outer", fail, {
          errorHandler: (_state: unknown, node: { error: unknown }) => {
            handler(node.error);
            return { note: "handled" };
          },
        });
  const graph = withMiddleware(
    nested.addEdge(START, "outer").compile({ checkpointer }),
    [defineMiddleware({ name: "idleMiddleware", options: {} })],
    options,
  );
  const chunks: unknown[] = [];
  return {
    run: async () => {
      const streamMode = ["values", "updates", "debug", "tasks", "checkpoints"] as never;
      for await (const chunk of await graph.stream({ note: "" }, { ...config, streamMode })) {
        chunks.push(chunk);
      }
    },
    written: async () => {
      const kept: unknown[] = [];
      for await (const tuple of checkpointer.list(config)) kept.push(tuple);
      return JSON.stringify([kept, chunks]);
    },
    error: async () => (await graph.getState(config)).tasks[0]?.error,
  };
}

test("an error is thrown whole, and written to checkpoint and streams without its secrets", async () => {
  const error = new TypeError(MESSAGE);
  const { run, written, error: told } = failing(error, {});
  await expect(run()).rejects.toBe(error);
  expect(error.message).toBe(MESSAGE);
  expect(await written()).toContain("401 for [redacted]");
  expect(await written()).not.toMatch(/Pl4nted|correct-horse/);
  expect(await told()).toEqual({
    name: "TypeError",
    message: "401 for [redacted], password=[redacted]",
  });
});

test("LangGraph writes it whole where nobody asked for anything else", async () => {
  const { run, written } = failing(new Error(MESSAGE), { redactErrors: false });
  await expect(run()).rejects.toThrow(SECRET);
  expect(await written()).toContain(SECRET);
});

test("an error handler of the graph sees the error itself", async () => {
  const error = new Error(MESSAGE);
  const seen: unknown[] = [];
  const { run, written } = failing(error, {}, (one) => seen.push(one));
  await run();
  expect(seen).toEqual([error]);
  expect(seen[0]).toBe(error);
  expect(await written()).not.toContain(SECRET);
});

test("an error without secrets is written as it is", async () => {
  const { run, error } = failing(new RangeError("order 7 is not there"), {});
  await expect(run()).rejects.toThrow("order 7");
  expect(await error()).toEqual({ name: "RangeError", message: "order 7 is not there" });
});
