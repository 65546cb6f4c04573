import { memoryStore, withMiddleware } from "@evenkeel/core";
import type { Middleware } from "@evenkeel/core";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { Client } from "langsmith";
import { expectTypeOf, test } from "vitest";

import {
  defineFlagRule,
  flagsFromFeedback,
  runFlagsMiddleware,
  setUpReview,
  sweepStale,
} from "../src/index.ts";
import type { FlaggedRun, RunReport, SweptRun } from "../src/index.ts";

const graph = new StateGraph(MessagesAnnotation)
  .addNode("agent", () => ({}))
  .addEdge(START, "agent")
  .compile();
const store = memoryStore();
const client = new Client({ apiKey: "none-needed-locally" });

test("it goes around any graph, and LangSmith's own client is a client of it", () => {
  const flags = runFlagsMiddleware({ store, langsmith: { client } });
  expectTypeOf(flags).toExtend<Middleware>();
  expectTypeOf(flags.flush).returns.toEqualTypeOf<Promise<void>>();
  expectTypeOf(withMiddleware(graph, [flags]).invoke).toEqualTypeOf(graph.invoke);
  expectTypeOf(sweepStale({ store, olderThanMs: 1, langsmith: { client } })).toEqualTypeOf<
    Promise<SweptRun[]>
  >();
  void flagsFromFeedback({ client, store, since: new Date() });
  void setUpReview({ client });
});

test("a rule and a route are told what they look at", () => {
  const rule = defineFlagRule({
    name: "refund-without-order",
    failureClass: "policy",
    judge: (report, { baseline }) => {
      expectTypeOf(report).toEqualTypeOf<RunReport>();
      expectTypeOf(baseline?.runs).toEqualTypeOf<number | undefined>();
      return undefined;
    },
  });
  runFlagsMiddleware({
    rules: { add: [rule], limits: { costUsd: 1 } },
    routes: [{ from: "high", to: (run) => expectTypeOf(run).toEqualTypeOf<FlaggedRun>() }],
    price: ({ model, totalTokens }) => (model === null ? undefined : totalTokens),
  });
});

test("severities, limits and outcomes are closed lists", () => {
  // @ts-expect-error no such severity
  runFlagsMiddleware({ severity: "grave" });
  // @ts-expect-error no such limit
  runFlagsMiddleware({ rules: { limits: { steps: 3 } } });
  // @ts-expect-error a flag has a class of failure from the taxonomy
  defineFlagRule({ name: "x-y", failureClass: "oops", judge: () => undefined });
});
