import { createServer } from "node:http";
import type { Server } from "node:http";

import { ContextOverflowError, ModelAbortError } from "@langchain/core/errors";
import { AIMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { OutputParserException } from "@langchain/core/output_parsers";
import { tool } from "@langchain/core/tools";
import {
  Annotation,
  Command,
  END,
  GraphDrained,
  GraphInterrupt,
  GraphRecursionError,
  MemorySaver,
  NodeError,
  NodeInterrupt,
  ParentCommand,
  START,
  StateGraph,
} from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import {
  MiddlewareError,
  ToolCallLimitExceededError,
  ToolInvocationError,
  createAgent,
  fakeModel,
  modelCallLimitMiddleware,
  toolRetryMiddleware,
} from "langchain";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";

import { CoreError, EvenkeelError } from "../src/errors.ts";
import { isFailure } from "../src/failure/chain.ts";
import { classifyFailure } from "../src/failure/classify-failure.ts";
import { FAILURE_CLASSES } from "../src/failure/failure.ts";
import { toolAnswer } from "../src/tool/envelope.ts";

/** What a promise was rejected with. */
async function thrownBy(work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

function ruleOf(failed: unknown): string {
  const { failureClass, rule } = classifyFailure(failed);
  return `${failureClass} ${rule}`;
}

const One = Annotation.Root({ value: Annotation<number> });

function oneNode(node: () => unknown) {
  return new StateGraph(One)
    .addNode("node", async () => (await node()) as { value: number })
    .addEdge(START, "node")
    .addEdge("node", END);
}

const strictTool = tool(({ id }) => `order ${id}`, {
  name: "order",
  description: "reads an order",
  schema: z.object({ id: z.number() }),
});

const badCall = { id: "1", name: "order", args: { id: "seven" }, type: "tool_call" as const };

function callOf(name: string, args: Record<string, unknown>): AIMessage {
  return new AIMessage({
    content: "",
    tool_calls: [{ id: "call_1", name, args, type: "tool_call" }],
  });
}

describe("errors of LangGraph and LangChain", () => {
  it("calls a reached recursion limit planning", async () => {
    const loop = new StateGraph(One)
      .addNode("node", () => ({ value: 1 }))
      .addEdge(START, "node")
      .addConditionalEdges("node", () => "node")
      .compile();
    const error = await thrownBy(() => loop.invoke({ value: 1 }, { recursionLimit: 3 }));
    expect(error).toBeInstanceOf(GraphRecursionError);
    expect(classifyFailure(error)).toEqual({
      ...FAILURE_CLASSES.planning,
      failureClass: "planning",
      rule: "recursion-limit",
      message: expect.stringContaining("Recursion limit of 3 reached"),
    });
  });

  it("calls arguments that break a tool's schema a contract violation, thrown and answered", async () => {
    const error = await thrownBy(() => strictTool.invoke(badCall));
    expect(ruleOf(error)).toBe("contract-violation tool-arguments");
    const node = new ToolNode([strictTool]);
    const answered = await node.invoke({ messages: [callOf("order", { id: "seven" })] });
    expect(ruleOf(answered.messages[0])).toBe("contract-violation tool-arguments");
  });

  it("calls an unknown tool a hallucination, of the prebuilt node and of createAgent", async () => {
    const node = new ToolNode([strictTool]);
    const answered = await node.invoke({ messages: [callOf("orders", {})] });
    expect(ruleOf(answered.messages[0])).toBe("model-hallucination unknown-tool");
    const model = fakeModel()
      .respondWithTools([{ name: "orders", args: {}, id: "1" }])
      .respond(new AIMessage("sorry"));
    const state = await createAgent({ model, tools: [strictTool] }).invoke({
      messages: [new HumanMessage("hi")],
    });
    expect(ruleOf(state.messages.find((message) => message.type === "tool"))).toBe(
      "model-hallucination unknown-tool",
    );
  });

  it("reads what LangChain's retry and limit middleware leave behind", async () => {
    const retries = toolRetryMiddleware({ maxRetries: 0 });
    // @ts-expect-error upstream's own options do not type-check with exactOptionalPropertyTypes
    const limit = modelCallLimitMiddleware({ runLimit: 1, exitBehavior: "error" });
    const fails = tool(() => Promise.reject(new Error("boom")), {
      name: "order",
      description: "fails",
      schema: z.object({}),
    });
    const model = fakeModel()
      .respondWithTools([{ name: "order", args: {}, id: "1" }])
      .respond(new AIMessage("sorry"));
    // @ts-expect-error upstream's own middleware do not type-check with exactOptionalPropertyTypes
    const retried = createAgent({ model, tools: [fails], middleware: [retries] });
    const state = await retried.invoke({ messages: [new HumanMessage("hi")] });
    const answer = state.messages.find((message: BaseMessage) => message.type === "tool");
    expect(ruleOf(answer)).toBe("tool-exhaustion tool-retries-spent");
    const looping = fakeModel().respondWithTools([{ name: "order", args: { id: 1 }, id: "1" }]);
    // @ts-expect-error upstream's own middleware do not type-check with exactOptionalPropertyTypes
    const limited = createAgent({ model: looping, tools: [strictTool], middleware: [limit] });
    const error = await thrownBy(() => limited.invoke({ messages: [new HumanMessage("hi")] }));
    expect(ruleOf(error)).toBe("retry-budget-overflow model-call-limit");
    expect(ruleOf(new ToolCallLimitExceededError(3, 3, 2, undefined, "order"))).toBe(
      "tool-exhaustion tool-call-limit",
    );
  });

  it.each<[string, () => unknown, string]>([
    [
      "a node that returns no update",
      () =>
        oneNode(() => 5)
          .compile()
          .invoke({ value: 1 }),
      "contract-violation graph-contract",
    ],
    [
      "a node over its own timeout",
      () => {
        const graph = new StateGraph(One)
          .addNode("node", () => new Promise<never>(() => undefined), { timeout: 10 })
          .addEdge(START, "node");
        return graph.compile().invoke({ value: 1 });
      },
      "infrastructure node-timeout",
    ],
    [
      "a run over its time limit",
      () =>
        oneNode(() => new Promise(() => undefined))
          .compile()
          .invoke({ value: 1 }, { timeout: 10 }),
      "infrastructure timeout",
    ],
  ])("classifies %s", async (_title, work, rule) => {
    expect(ruleOf(await thrownBy(work))).toBe(rule);
  });

  it.each<[string, unknown, string]>([
    [
      "a prompt that is too long",
      new ContextOverflowError(),
      "contract-violation context-overflow",
    ],
    [
      "an answer that does not parse",
      new OutputParserException("no JSON"),
      "contract-violation schema-mismatch",
    ],
    [
      "a zod error",
      z.object({ a: z.string() }).safeParse({}).error,
      "contract-violation schema-mismatch",
    ],
    ["an error without a message", new Error(), "unknown none"],
    ["a bug", new TypeError("x is not a function"), "unknown none"],
    ["a thrown string", "Error: connect ECONNREFUSED 127.0.0.1:5432", "infrastructure connection"],
    ["nothing", undefined, "unknown none"],
    ["a number", 7, "unknown none"],
  ])("classifies %s", (_title, error, rule) => {
    expect(ruleOf(error)).toBe(rule);
  });

  it("looks through the wrappers of LangChain, LangGraph and causes", async () => {
    const inner = await thrownBy(() => strictTool.invoke(badCall));
    const call = { id: "1", name: "order", args: {} };
    const wrapped = [
      new ToolInvocationError(inner, call),
      MiddlewareError.wrap(MiddlewareError.wrap(inner, "inner"), "outer"),
      MiddlewareError.wrap(new ToolInvocationError(inner, call), "outer"),
      new NodeError("node", inner as Error),
      new Error("it failed", { cause: new Error("again", { cause: inner }) }),
    ];
    expect(wrapped.map(ruleOf)).toEqual(wrapped.map(() => "contract-violation tool-arguments"));
  });

  it("takes the outermost error that a rule knows", () => {
    const timeout = new DOMException("slow", "TimeoutError");
    const error = new EvenkeelError({
      code: "budget-exhausted",
      message: "no tokens left",
      cause: timeout,
    });
    expect(classifyFailure(error)).toMatchObject({ rule: "budget", message: "no tokens left" });
    expect(
      ruleOf(
        new Error("read timed out", { cause: Object.assign(new Error("no"), { status: 403 }) }),
      ),
    ).toBe("policy http-403");
  });

  it("ends on causes that go round in a circle", () => {
    const first = new Error("first");
    const second = new Error("second", { cause: first });
    first.cause = second;
    expect(ruleOf(first)).toBe("unknown none");
    const brands = Object.assign(new Error("x"), { "~brand": "MiddlewareError" });
    brands.cause = brands;
    expect(ruleOf(brands)).toBe("unknown none");
  });

  it("judges an AggregateError by its members where those that are known agree", () => {
    const reset = Object.assign(new Error("a"), { code: "ECONNRESET" });
    const refused = Object.assign(new Error("b"), { code: "ECONNREFUSED" });
    const denied = Object.assign(new Error("c"), { status: 403 });
    expect(ruleOf(new AggregateError([new Error("?"), reset, refused]))).toBe(
      "infrastructure connection",
    );
    expect(ruleOf(new AggregateError([reset, denied]))).toBe("unknown none");
    expect(ruleOf(new AggregateError([]))).toBe("unknown none");
    const nested = new AggregateError([], "self");
    nested.errors.push(nested, new AggregateError([reset]));
    expect(ruleOf(nested)).toBe("infrastructure connection");
  });

  it("survives errors whose members throw", () => {
    const trap = new Proxy(new Error("x"), {
      get: () => {
        throw new Error("no");
      },
    });
    expect(classifyFailure(trap)).toMatchObject({ failureClass: "unknown", message: "" });
  });

  it("describes the failure without secrets and without bodies", () => {
    const secret = ["sk", "proj", "a1b2c3d4e5f6a1b2c3d4e5f6"].join("-");
    const { message } = classifyFailure(new Error(`bad key ${secret} ${"x".repeat(10_000_000)}`));
    expect(message).toMatch(/^bad key \[redacted\] x+$/);
    expect(message.length).toBe(1_000);
  });
});

describe("what is no failure", () => {
  it.each<[string, unknown]>([
    ["an interrupt", new GraphInterrupt([{ value: 1 }])],
    ["a node interrupt", new NodeInterrupt("ask")],
    [
      "a command to the parent",
      new ParentCommand(new Command({ graph: Command.PARENT, goto: "x" })),
    ],
    ["a drain", new GraphDrained()],
    ["an abort", new DOMException("This operation was aborted", "AbortError")],
    ["an aborted model call", new ModelAbortError("stopped")],
    [
      "an abort in a middleware's wrapper",
      MiddlewareError.wrap(new DOMException("x", "AbortError"), "retry"),
    ],
    ["LangGraph's words for an abort", new Error("Abort")],
    ["LangChain's words for an abort", new Error("Aborted")],
  ])("is %s", (_title, error) => {
    expect(isFailure(error)).toBe(false);
    expect(classifyFailure(error)).toMatchObject({
      failureClass: "unknown",
      rule: "not-a-failure",
      severity: "info",
    });
  });

  it("is whatever is thrown once the caller has aborted, whatever the caller's reason", async () => {
    const caller = new AbortController();
    const graph = oneNode(() => new Promise(() => undefined)).compile();
    const running = thrownBy(() => graph.invoke({ value: 1 }, { signal: caller.signal }));
    caller.abort("the user left");
    const error = await running;
    expect(error).toMatchObject({ message: "the user left" });
    expect(isFailure(error, caller.signal)).toBe(false);
  });

  it("is not a timeout, though it ends a run by a signal too", async () => {
    const signal = AbortSignal.timeout(10);
    const graph = oneNode(() => new Promise(() => undefined)).compile();
    const error = await thrownBy(() => graph.invoke({ value: 1 }, { signal }));
    expect(isFailure(error, signal)).toBe(true);
    expect(ruleOf(error)).toBe("infrastructure timeout");
  });

  it("is not a step over its timeout, which LangGraph reports as an abort, once the signal is known", async () => {
    const graph = oneNode(() => new Promise(() => undefined)).compile();
    graph.stepTimeout = 10;
    const error = await thrownBy(() => graph.invoke({ value: 1 }));
    expect(isFailure(error, new AbortController().signal)).toBe(true);
  });

  it.each<[string, unknown]>([
    ["a tool's answer", new ToolMessage({ content: "HTTP status 503", tool_call_id: "1" })],
    ["a model's answer", new AIMessage("Error: 429 Too Many Requests")],
    ["a user's words", new HumanMessage("connection reset")],
    ["a run without an error", { run_type: "chain", outputs: {} }],
    ["a state without a failed task", { tasks: [{ id: "1", name: "node", interrupts: [] }] }],
  ])("is %s", (_title, value) => {
    expect(classifyFailure(value).rule).toBe("not-a-failure");
  });
});

describe("what a provider answers, through the real client", () => {
  let server: Server;
  let answer: { status: number; body: unknown } | "hang up" = "hang up";
  let model: ChatOpenAI;

  beforeAll(async () => {
    server = createServer((request, response) => {
      if (answer === "hang up") {
        request.socket.destroy();
        return;
      }
      response.writeHead(answer.status, { "content-type": "application/json" });
      response.end(JSON.stringify(answer.body));
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const configuration = { baseURL: `http://127.0.0.1:${address.port}/v1` };
    model = new ChatOpenAI({ model: "gpt-4.1", apiKey: "x", maxRetries: 0, configuration });
  });

  afterAll(async () => {
    await new Promise((closed) => server.close(closed));
  });

  it.each<[string, number, Record<string, unknown>, string]>([
    [
      "a throttled call",
      429,
      { message: "Rate limit reached for requests", code: "rate_limit_exceeded" },
      "infrastructure rate-limit",
    ],
    ["a throttled call in words only", 429, { message: "slow down" }, "infrastructure rate-limit"],
    [
      "a spent quota",
      429,
      { message: "You exceeded your current quota", code: "insufficient_quota" },
      "infrastructure quota",
    ],
    [
      "a spent quota in words only",
      429,
      { message: "You exceeded your current quota, please check your plan" },
      "infrastructure quota",
    ],
    [
      "a prompt that is too long",
      400,
      { message: "maximum context length is 8192 tokens", code: "context_length_exceeded" },
      "contract-violation context-overflow",
    ],
    [
      "a filtered prompt",
      400,
      { message: "The response was filtered", code: "content_filter" },
      "policy content-policy",
    ],
    [
      "a filtered prompt in words only",
      400,
      { message: "triggering Azure OpenAI's content management policy" },
      "policy content-policy",
    ],
    [
      "a key that is not accepted",
      401,
      { message: "Incorrect API key provided", code: "invalid_api_key" },
      "environment-drift credentials",
    ],
    ["an act that is not allowed", 403, { message: "Country not supported" }, "policy http-403"],
    [
      "a model that is gone",
      404,
      { message: "The model does not exist", code: "model_not_found" },
      "environment-drift model-not-found",
    ],
    [
      "calls without answers",
      400,
      { message: "An assistant message with 'tool_calls' must be followed by tool messages" },
      "contract-violation message-history",
    ],
    ["a malformed request", 400, { message: "unknown parameter" }, "contract-violation http-400"],
    ["a server in trouble", 503, { message: "overloaded" }, "infrastructure http-503"],
  ])("classifies %s", async (_title, status, error, rule) => {
    answer = { status, body: { error } };
    expect(ruleOf(await thrownBy(() => model.invoke("hi")))).toBe(rule);
  });

  it("says that a spent quota is cured by nobody but a person", async () => {
    answer = { status: 429, body: { error: { message: "no", code: "insufficient_quota" } } };
    const failure = classifyFailure(await thrownBy(() => model.invoke("hi")));
    expect(failure).toMatchObject({ recoverable: false, severity: "high" });
    expect(failure.remedy).toContain("quota");
  });

  it("classifies a connection that breaks", async () => {
    answer = "hang up";
    expect(ruleOf(await thrownBy(() => model.invoke("hi")))).toBe("infrastructure connection");
  });

  it("classifies a service nobody listens for", async () => {
    const gone = createServer();
    await new Promise<void>((listening) => gone.listen(0, "127.0.0.1", listening));
    const address = gone.address();
    await new Promise((closed) => gone.close(closed));
    if (address === null || typeof address === "string") throw new Error("no port");
    const error = await thrownBy(() => fetch(`http://127.0.0.1:${address.port}/`));
    expect(ruleOf(error)).toBe("infrastructure connection");
  });
});

describe("messages, codes and runs", () => {
  it.each<[string, string]>([
    ["budget-exhausted", "retry-budget-overflow budget"],
    ["tool-changed", "environment-drift drift"],
    ["tool-vanished", "environment-drift drift"],
    ["loop-detected", "planning loop"],
    ["revoked", "policy revoked"],
    ["breaker-open", "tool-exhaustion breaker-open"],
    ["effect-unknown", "infrastructure effect-in-doubt"],
    ["execution-busy", "infrastructure busy"],
    ["nobody-knows", "unknown none"],
  ])("reads %s from an error and from an envelope alike", (code, rule) => {
    const message = "it happened";
    const envelope = {
      v: 1 as const,
      code,
      message,
      retryable: false,
      safeToReplay: false,
      by: "x",
      details: {},
    };
    expect(ruleOf(new EvenkeelError({ code, message }))).toBe(rule);
    const answered = toolAnswer({ toolCall: { id: "1", name: "t" }, envelope });
    expect(ruleOf(answered)).toBe(rule);
    expect(classifyFailure(answered).message).toBe(message);
  });

  it("lets a package name the class of its own code", () => {
    const details = { failureClass: "integration-gap" };
    expect(ruleOf(new EvenkeelError({ code: "custom", message: "m", details }))).toBe(
      "integration-gap declared",
    );
    const invented = { failureClass: "toString" };
    expect(ruleOf(new EvenkeelError({ code: "custom", message: "m", details: invented }))).toBe(
      "unknown none",
    );
  });

  it("goes on to the cause of a code it does not know", () => {
    const cause = Object.assign(new Error("x"), { code: "ECONNRESET" });
    expect(ruleOf(new EvenkeelError({ code: "custom", message: "m", cause }))).toBe(
      "infrastructure connection",
    );
    expect(ruleOf(new CoreError({ code: "store-unavailable", message: "m", cause }))).toBe(
      "infrastructure store",
    );
  });

  it.each<[string, unknown, string]>([
    [
      "a refusal",
      new AIMessage({ content: "", additional_kwargs: { refusal: "I cannot" } }),
      "policy refusal",
    ],
    [
      "a filtered answer",
      new AIMessage({ content: "", response_metadata: { finish_reason: "content_filter" } }),
      "policy refusal",
    ],
    [
      "a refusal of another provider",
      new AIMessage({ content: "", response_metadata: { stop_reason: "refusal" } }),
      "policy refusal",
    ],
    [
      "a malformed call",
      new AIMessage({
        content: "",
        invalid_tool_calls: [{ name: "t", args: "{", id: "1", error: "x" }],
      }),
      "contract-violation malformed-tool-call",
    ],
    [
      "spent model retries",
      new AIMessage("Model call failed after 3 attempts with Error: boom"),
      "retry-budget-overflow model-retries-spent",
    ],
    [
      "a plain tool message",
      {
        role: "tool",
        status: "error",
        content: "Error: Request failed with status code 503\n Please fix your mistakes.",
      },
      "infrastructure http-503",
    ],
    [
      "content blocks",
      new ToolMessage({
        content: [{ type: "text", text: "Error: read ECONNRESET" }],
        status: "error",
        tool_call_id: "1",
      }),
      "infrastructure connection",
    ],
    [
      "a rejected call",
      new ToolMessage({
        content: "User rejected the tool call for `pay` with id 1",
        status: "error",
        tool_call_id: "1",
      }),
      "policy rejected-by-person",
    ],
    [
      "an error nobody knows",
      new ToolMessage({ content: "Error: no such order", status: "error", tool_call_id: "1" }),
      "unknown none",
    ],
    [
      "a word that proves nothing",
      new ToolMessage({
        content: "Error: invalid value for timeout, 500 rows, ERROR",
        status: "error",
        tool_call_id: "1",
      }),
      "unknown none",
    ],
    [
      "a code after another word in capitals",
      new ToolMessage({ content: "ERROR: connect ETIMEDOUT", status: "error", tool_call_id: "1" }),
      "infrastructure timeout",
    ],
  ])("reads %s", (_title, message, rule) => {
    expect(ruleOf(message)).toBe(rule);
  });

  it("reads the failed task of a state", async () => {
    const saver = new MemorySaver();
    const graph = oneNode(() =>
      Promise.reject(Object.assign(new Error("503 Service Unavailable"))),
    ).compile({ checkpointer: saver });
    const config = { configurable: { thread_id: "1" } };
    await thrownBy(() => graph.invoke({ value: 1 }, config));
    expect(ruleOf(await graph.getState(config))).toBe("infrastructure http-503");
  });

  it.each<[string, unknown, string]>([
    [
      "a LangSmith run",
      {
        run_type: "chain",
        error: "Recursion limit of 25 reached\n\nGraphRecursionError: Recursion\n    at x",
      },
      "planning recursion-limit",
    ],
    [
      "a run named by its stack only",
      { run_type: "tool", error: "nope\n\nToolInputParsingException: nope\n    at x" },
      "contract-violation tool-arguments",
    ],
    [
      "a run whose stack passes a timer",
      {
        run_type: "tool",
        error: "boom\n\nError: boom\n    at listOnTimeout (connection timed out)",
      },
      "unknown none",
    ],
    [
      "an HTTP body",
      { error: { message: "no", code: "insufficient_quota" } },
      "infrastructure quota",
    ],
    [
      "an error as a checkpoint keeps it",
      { name: "TimeoutError", message: "slow" },
      "infrastructure timeout",
    ],
  ])("reads %s", (_title, run, rule) => {
    expect(ruleOf(run)).toBe(rule);
  });

  it.each([
    ["08006", "infrastructure sql-08006"],
    ["57P01", "infrastructure sql-57P01"],
    ["40001", "infrastructure sql-40001"],
    ["42501", "policy sql-42501"],
    ["42601", "unknown none"],
  ])("reads SQLSTATE %s", (code, rule) => {
    expect(ruleOf(Object.assign(new Error("x"), { code, severity: "ERROR" }))).toBe(rule);
    expect(ruleOf(Object.assign(new Error("x"), { code }))).toBe("unknown none");
  });

  it.each([
    [400, "contract-violation http-400"],
    [401, "environment-drift http-401"],
    [402, "infrastructure http-402"],
    [403, "policy http-403"],
    [404, "unknown none"],
    [408, "infrastructure http-408"],
    [409, "unknown none"],
    [410, "environment-drift http-410"],
    [422, "contract-violation http-422"],
    [429, "infrastructure http-429"],
    [500, "infrastructure http-500"],
    [529, "infrastructure http-529"],
    [200, "unknown none"],
  ])("reads HTTP status %i from wherever clients put it", (status, rule) => {
    const errors = [{ status }, { statusCode: status }, { response: { status } }].map((facts) =>
      Object.assign(new Error("x"), facts),
    );
    expect(errors.map(ruleOf)).toEqual([rule, rule, rule]);
  });
});

describe("FAILURE_CLASSES", () => {
  it("gives every class a severity, a flag and one sentence", () => {
    expect(Object.keys(FAILURE_CLASSES)).toHaveLength(10);
    for (const traits of Object.values(FAILURE_CLASSES)) {
      expect(traits.remedy).toMatch(/^[A-Z].*[^.]\.$/);
      expect(["low", "medium", "high", "critical"]).toContain(traits.severity);
      expect(typeof traits.recoverable).toBe("boolean");
    }
  });
});
