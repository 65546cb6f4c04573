import { defineMiddleware, isFailure, withMiddleware, wrapModel } from "@evenkeel/core";
import { scriptedModel } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import {
  Command,
  MemorySaver,
  MessagesAnnotation,
  START,
  StateGraph,
  interrupt,
} from "@langchain/langgraph";
import { describe, expect, test } from "vitest";
import { z } from "zod";

import { failureRetryMiddleware } from "../src/index.ts";
import { QUICK, calling, lastText, shop, toolOf } from "./support/shop.ts";

const broken = (times: number) =>
  toolOf("look_up", (_args, calls) => {
    if (calls <= times) throw new Error(`shelf ${calls} is empty`);
    return "found it";
  });

describe("what counts as a failure", () => {
  test("a thrown error; the next attempt is told, and its result alone is in the state", async () => {
    const subject = shop({
      turns: [
        calling("look_up", { shelf: 1 }),
        calling("look_up", { shelf: 2 }),
        { content: "Here." },
      ],
      tools: [broken(1)],
    });
    const result = await subject.run();
    expect(lastText(result)).toBe("Here.");
    expect((result["messages"] as unknown[]).length).toBe(4);
    expect(subject.told()).toEqual(["attempt-failed 1", "attempt-started 2"]);
    expect(subject.contextOf(0)).toBe("");
    expect(subject.contextOf(1)).toContain(
      '1. look_up {"shelf":1} → failed: Error: shelf 1 is empty',
    );
    // Not in the messages of the thread, and the same text with every call of the attempt.
    expect(JSON.stringify(result["messages"])).not.toContain("attempt");
    expect(subject.contextOf(2)).toBe(subject.contextOf(1));
  });

  test("an answer that verify rejects, with its reason", async () => {
    const subject = shop({
      turns: [{ content: "maybe" }, { content: "yes" }],
      options: { verify: ({ text }) => (text === "yes" ? true : "say yes or no") },
    });
    expect(lastText(await subject.run())).toBe("yes");
    expect(subject.contextOf(1)).toContain("The final answer was rejected: say yes or no");
  });

  test("an answer that a Standard Schema rejects", async () => {
    const subject = shop({
      turns: [{ content: '{"total":"five"}' }, { content: '{"total":5}' }],
      options: { verify: z.object({ total: z.number() }) },
    });
    expect(lastText(await subject.run())).toBe('{"total":5}');
  });

  test("a critical event", async () => {
    let attempts = 0;
    const alarm = defineMiddleware({
      name: "alarm",
      options: {},
      async wrapModelCall(request, handler, { emit }) {
        attempts += 1;
        if (attempts === 1) emit("custom-alarm", { severity: "critical" });
        return handler(request);
      },
    });
    const subject = shop({ turns: [{ content: "one" }, { content: "two" }], stack: [alarm] });
    expect(lastText(await subject.run())).toBe("two");
    expect(subject.contextOf(1)).toContain("custom-alarm");
  });

  test("a step that took longer than the graph's stepTimeout, which LangGraph calls an abort", async () => {
    let calls = 0;
    const model = wrapModel(scriptedModel([{ content: "In time." }]));
    const compiled = new StateGraph(MessagesAnnotation)
      .addNode("agent", async ({ messages }) => {
        calls += 1;
        if (calls === 1) await new Promise((resolve) => setTimeout(resolve, 400));
        return { messages: [await model.invoke(messages)] };
      })
      .addEdge(START, "agent")
      .compile({ checkpointer: new MemorySaver() });
    compiled.stepTimeout = 100;
    const graph = withMiddleware(compiled, [failureRetryMiddleware(QUICK)]);
    const thread = { configurable: { thread_id: "slow" } };
    const result = await graph.invoke({ messages: [new HumanMessage("Please.")] }, thread);
    expect(lastText(result)).toBe("In time.");
    expect(calls).toBe(2);
  });

  test("a recursion limit", async () => {
    const subject = shop({
      turns: (call) => (call < 3 ? calling("look_up") : { content: "Enough." }),
      tools: [broken(0)],
    });
    const result = await subject.run(undefined, { recursionLimit: 4 });
    expect(lastText(result)).toBe("Enough.");
    expect(subject.contextOf(3)).toContain("recursion-limit");
  });
});

describe("what never does", () => {
  test("an interrupt: it pauses, resumes, and is one attempt", async () => {
    const subject = shop({
      turns: [calling("ask"), { content: "Thanks." }],
      tools: [toolOf("ask", () => `they said ${String(interrupt("may I?"))}`)],
    });
    expect(await subject.run()).toMatchObject({ __interrupt__: [{ value: "may I?" }] });
    expect(lastText(await subject.run(new Command({ resume: "yes" })))).toBe("Thanks.");
    expect(subject.told()).toEqual([]);
  });

  test("an abort, and it ends the pause between two attempts", async () => {
    const stop = new AbortController();
    const subject = shop({
      turns: () => calling("look_up"),
      tools: [broken(9)],
      options: { initialInterval: 60_000 },
    });
    const before = Date.now();
    const run = subject.run(undefined, { signal: stop.signal });
    setTimeout(() => stop.abort(), 100);
    const error: unknown = await run.catch((thrown: unknown) => thrown);
    expect(isFailure(error)).toBe(false);
    expect(Date.now() - before).toBeLessThan(10_000);
    expect(subject.model.calls.length).toBe(1);
  });

  test("a class that no attempt helps: the very error comes out at once", async () => {
    const denied = Object.assign(new Error("you may not"), { status: 403 });
    const subject = shop({
      turns: [calling("look_up")],
      tools: [
        toolOf("look_up", () => {
          throw denied;
        }),
      ],
    });
    expect(await subject.run().catch((error: unknown) => error)).toBe(denied);
    expect(subject.told()).toEqual(["execution-failed 1"]);
  });
});

describe("where no attempt is left", () => {
  const failing = (exitBehavior: "error" | "end" | "final-answer" | "interrupt") =>
    shop({
      turns: (call) => (call < 2 ? calling("look_up") : { content: "It could not be found." }),
      tools: [broken(9)],
      options: { maxAttempts: 2, exitBehavior },
    });

  test('"error" gives the last attempt\'s own error', async () => {
    await expect(failing("error").run()).rejects.toThrow("shelf 2 is empty");
  });

  test('"end" ends with what is there', async () => {
    const result = await failing("end").run();
    expect((result["messages"] as unknown[]).length).toBe(2);
  });

  test('"final-answer" lets the model answer in words, without calling tools', async () => {
    const subject = failing("final-answer");
    expect(lastText(await subject.run())).toBe("It could not be found.");
    expect(subject.contextOf(2)).toContain("no further attempt and no tools");
    expect(subject.model.calls[2]?.parameters).toMatchObject({ tool_choice: "none" });
  });

  test('"interrupt" asks a person once, and the model hears the answer', async () => {
    const subject = failing("interrupt");
    const paused = await subject.run();
    expect(paused).toMatchObject({
      __interrupt__: [{ value: { type: "attempts-exhausted", attempt: 2 } }],
    });
    const result = await subject.run(new Command({ resume: "look behind shelf 3" }));
    expect(lastText(result)).toBe("It could not be found.");
    expect(subject.contextOf(2)).toContain("A person says: look behind shelf 3");
  });
});

test("a process that died at one spot as often as is allowed has failed the attempt", async () => {
  const checkpointer = new MemorySaver();
  const dying = () =>
    shop({
      turns: [calling("look_up")],
      checkpointer,
      // A process that is gone never settles.
      tools: [toolOf("look_up", () => new Promise(() => undefined))],
      options: { maxResumes: 2 },
    });
  for (const input of [undefined, null, null]) {
    void dying()
      .run(input)
      .catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const subject = shop({
    turns: [{ content: "Without it." }],
    checkpointer,
    options: { maxResumes: 2 },
  });
  expect(lastText(await subject.run(null))).toBe("Without it.");
  expect(subject.told()).toEqual(["attempt-failed 1", "attempt-started 2"]);
  expect(subject.contextOf(0)).toContain("resumed 2 times at the same checkpoint");
  expect(subject.contextOf(0)).toContain("look_up {} → no answer is known");
});

describe("an error that is odd", () => {
  const told = async (error: unknown): Promise<string> => {
    const subject = shop({
      turns: [calling("look_up"), { content: "On." }],
      tools: [
        toolOf("look_up", () => {
          throw error;
        }),
      ],
    });
    await subject.run();
    return subject.contextOf(1);
  };

  test("without a message, with a circular cause, or of ten megabytes, is told in a bounded text", async () => {
    expect(await told(new Error(""))).toContain("The error has no message.");
    const circular = new Error("round and round");
    circular.cause = circular;
    expect(await told(circular)).toContain("round and round");
    const huge = await told(new Error(`start ${"x".repeat(10_000_000)} end`));
    expect(huge.length).toBeLessThan(2_000 * 3);
    expect(huge).toContain("start");
  });
});
