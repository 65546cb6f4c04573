import { withMiddleware } from "@evenkeel/core";
import type { Middleware } from "@evenkeel/core";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { createAgent } from "langchain";
import { expectTypeOf, test } from "vitest";

import { loopDetectionMiddleware } from "../src/index.ts";
import type { AnsweredCall, LoopKind, LoopNotice } from "../src/index.ts";

const graph = new StateGraph(MessagesAnnotation)
  .addNode("agent", () => ({}))
  .addEdge(START, "agent")
  .compile();

test("it goes around any graph and into createAgent", () => {
  const loops = loopDetectionMiddleware({ exempt: ["think"], identity: { read_file: ["path"] } });
  expectTypeOf(loops).toEqualTypeOf<Middleware>();
  expectTypeOf(withMiddleware(graph, [loops]).invoke).toEqualTypeOf(graph.invoke);
  createAgent({ model: "openai:gpt-5.2", tools: [], middleware: [loops] });
});

test("functions among the options are told what they are asked about", () => {
  loopDetectionMiddleware({
    isProgress: (call) => {
      expectTypeOf(call).toEqualTypeOf<AnsweredCall>();
      return undefined;
    },
    message: (notice) => {
      expectTypeOf(notice).toEqualTypeOf<LoopNotice>();
      expectTypeOf(notice.kind).toEqualTypeOf<LoopKind>();
      return notice.text;
    },
    normalizeResult: (text, tool) => `${tool} ${text}`,
    identity: { read_file: (given) => given, list: ["path"] },
  });
});

test("a rung is a number or false, an ending one of three, a pattern one of eight", () => {
  loopDetectionMiddleware({ steerAfter: 2, blockAfter: false, exitBehavior: "interrupt" });
  // @ts-expect-error true is no number of rounds
  loopDetectionMiddleware({ steerAfter: true });
  // @ts-expect-error the field's word for it is "final-answer"
  loopDetectionMiddleware({ exitBehavior: "end" });
  // @ts-expect-error no such pattern
  loopDetectionMiddleware({ detectors: { loops: false } });
});
