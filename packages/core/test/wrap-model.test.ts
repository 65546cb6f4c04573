import { AIMessage, AIMessageChunk, HumanMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { describe, expect, test } from "vitest";
import { z } from "zod";

import { ScriptedModel, scriptedModel } from "../../testing/src/model/scripted-model.ts";
import { defineMiddleware, unwrapModel, withMiddleware, wrapModel } from "../src/index.ts";
import type {
  AnyMiddleware,
  EvenkeelEvent,
  Handler,
  Middleware,
  ModelRequest,
  ModelResult,
} from "../src/index.ts";
import { plain } from "./support/plain.ts";
import { spyMiddleware } from "./support/spy.ts";

const INPUT = { messages: [new HumanMessage({ content: "Hello?", id: "human-1" })] };
const LONG = "This answer comes in several pieces, one after the other.";

type State = typeof MessagesAnnotation.State;
type Work = (state: State) => Promise<unknown>;

/** Runs `work` in the node of a graph with middleware; gives what it gave. */
async function inNode(
  stack: readonly AnyMiddleware[],
  work: Work,
  options: { strict?: boolean; onEvent?: (event: EvenkeelEvent) => void } = {},
): Promise<unknown> {
  const results: unknown[] = [];
  const builder = new StateGraph(MessagesAnnotation)
    .addNode("agent", async (state) => {
      results.push(await work(state));
      return {};
    })
    .addEdge(START, "agent");
  await withMiddleware(builder, stack, options).invoke(INPUT);
  return results[0];
}

function wrapping(
  name: string,
  wrapModelCall: (
    request: ModelRequest,
    handler: Handler<ModelRequest, ModelResult>,
  ) => Promise<ModelResult>,
): Middleware {
  return defineMiddleware({ name, options: {}, retries: true, wrapModelCall });
}

async function chunksOf(stream: AsyncIterable<AIMessageChunk>): Promise<string[]> {
  const texts: string[] = [];
  for await (const { text } of stream) texts.push(text);
  return texts;
}

describe("a wrapped model", () => {
  test("keeps its class, name and fields, and is wrapped once", () => {
    const model = scriptedModel([{ content: "Hello." }], { temperature: 0.3 });
    const wrapped = wrapModel(model);
    expect(wrapped).toBeInstanceOf(ScriptedModel);
    expect(wrapped.getName()).toBe(model.getName());
    expect(wrapped.temperature).toBe(0.3);
    expect(wrapModel(wrapped)).toBe(wrapped);
    expect(unwrapModel(wrapped)).toBe(model);
    expect(unwrapModel(model)).toBe(model);
  });

  test("does outside a graph what the model does", async () => {
    const model = scriptedModel([{ content: LONG }], { createId: () => "1" });
    const wrapped = wrapModel(model);
    expect(plain(await wrapped.invoke("Hello?"))).toEqual(plain(await model.invoke("Hello?")));
    expect(await chunksOf(await wrapped.stream("Hello?"))).toEqual(
      await chunksOf(await model.stream("Hello?")),
    );
  });

  test("refuses what is no chat model, saying what came", () => {
    expect(() => wrapModel({ invoke: () => "" })).toThrow(
      "wrapModel: an object of Object came; a chat model",
    );
    expect(() => wrapModel(null as never)).toThrow("wrapModel: null came");
  });

  test("throws the model's own error by identity", async () => {
    const failure = new Error("overloaded");
    const model = wrapModel(scriptedModel([{ error: failure }]));
    const [one, two] = await Promise.all(
      ["invoke", "stream"].map((method) =>
        inNode([spyMiddleware().middleware], async ({ messages }) =>
          method === "invoke" ? model.invoke(messages) : chunksOf(await model.stream(messages)),
        ).catch((error: unknown) => error),
      ),
    );
    expect(one).toBe(failure);
    expect(two).toBe(failure);
  });
});

describe("a stream of a wrapped model", () => {
  const model = (): ScriptedModel => wrapModel(scriptedModel([{ content: LONG }]));

  test("comes in the bare model's pieces", async () => {
    const expected = await chunksOf(await scriptedModel([{ content: LONG }]).stream("Hello?"));
    const spy = spyMiddleware();
    const texts = await inNode([spy.middleware], async ({ messages }) =>
      chunksOf(await model().stream(messages)),
    );
    expect(expected.length).toBeGreaterThan(3);
    expect(texts).toEqual(expected);
    expect(spy.models).toEqual(["agent#0"]);
  });

  test("comes piece by piece, while middleware waits for the whole", async () => {
    const order: string[] = [];
    const waiting = wrapping("waiting", async (request, handler) => {
      const message = await handler(request);
      order.push(`whole: ${(message as AIMessage).text.length}`);
      return message;
    });
    await inNode([waiting], async ({ messages }) => {
      for await (const { text } of await model().stream(messages)) order.push(text);
    });
    expect(order[0]).toBe(LONG.slice(0, 12));
    expect(order).toContain(`whole: ${LONG.length}`);
  });

  test("may be left early: the node goes on and the run ends", async () => {
    const spy = spyMiddleware();
    const first = await inNode([spy.middleware], async ({ messages }) => {
      for await (const { text } of await model().stream(messages)) return text;
      return undefined;
    });
    expect(first).toBe(LONG.slice(0, 12));
    expect(spy.outcomes).toEqual(["completed"]);
  });

  test("is one chunk where a middleware answers by itself", async () => {
    const cached = wrapping("cached", async () => new AIMessage({ content: "From the cache." }));
    const chunks = await inNode([cached], async ({ messages }) => {
      const all: unknown[] = [];
      for await (const chunk of await model().stream(messages)) all.push(chunk);
      return all;
    });
    expect(chunks).toHaveLength(1);
    expect((chunks as unknown[])[0]).toBeInstanceOf(AIMessageChunk);
    expect((chunks as AIMessageChunk[])[0]?.text).toBe("From the cache.");
  });

  test("ends with the error of a model that fails half-way", async () => {
    const failing = wrapModel(
      scriptedModel([{ content: LONG, error: new Error("cut"), errorAfterChunks: 2 }]),
    );
    const texts: string[] = [];
    const run = inNode([spyMiddleware().middleware], async ({ messages }) => {
      for await (const { text } of await failing.stream(messages)) texts.push(text);
    });
    await expect(run).rejects.toThrow("cut");
    expect(texts).toHaveLength(2);
  });
});

describe("a call of a wrapped model", () => {
  test("is one run to callbacks, however often it is bound and configured", async () => {
    const started: string[] = [];
    const model = wrapModel(scriptedModel([{ content: "Hello." }]));
    await inNode([spyMiddleware().middleware], ({ messages }) =>
      model
        .bindTools([])
        .withConfig({
          callbacks: [{ handleChatModelStart: (_llm, _prompt, id) => void started.push(id) }],
        })
        .invoke(messages),
    );
    expect(started).toHaveLength(1);
  });

  test("passes once for each prompt of a batch", async () => {
    const spy = spyMiddleware();
    const model = wrapModel(scriptedModel(() => ({ content: "Hello." })));
    await inNode([spy.middleware], () => model.batch(["one", "two", "three"]));
    expect(spy.models).toHaveLength(3);
  });

  test("by generate is reported as not wrapped", async () => {
    const events: EvenkeelEvent[] = [];
    const model = wrapModel(scriptedModel([{ content: "Hello." }]));
    await inNode([spyMiddleware().middleware], ({ messages }) => model.generate([messages]), {
      onEvent: (event) => events.push(event),
    });
    expect(events.map(({ name }) => name)).toEqual(["call-not-wrapped"]);
  });

  test("is answered by another model where middleware swaps it", async () => {
    const other = scriptedModel([{ content: "The other one." }]);
    const swap = wrapping("swap", (request, handler) => handler({ ...request, model: other }));
    const model = wrapModel(scriptedModel([{ content: "Hello." }]));
    const message = await inNode([swap], ({ messages }) => model.invoke(messages));
    expect((message as AIMessage).text).toBe("The other one.");
    expect(other.calls).toHaveLength(1);
  });

  test("passes once where the swapped model is wrapped as well", async () => {
    const spy = spyMiddleware();
    const other = wrapModel(scriptedModel([{ content: "The other one." }]));
    const swap = wrapping("swap", (request, handler) => handler({ ...request, model: other }));
    const model = wrapModel(scriptedModel([{ content: "Hello." }]));
    await inNode([swap, spy.middleware], ({ messages }) => model.invoke(messages));
    expect(spy.models).toHaveLength(1);
  });
});

describe("the call site", () => {
  async function sitesOf(work: Work): Promise<string[]> {
    const spy = spyMiddleware();
    await inNode([spy.middleware], work);
    return spy.models;
  }
  const model = (): ScriptedModel =>
    wrapModel(
      scriptedModel(({ parameters }) =>
        parameters["tools"] === undefined ? { content: "Hello." } : { json: { ok: true } },
      ),
    );

  test("is the same for every call of one model in one node", async () => {
    const one = model();
    const sites = await sitesOf(async ({ messages }) => {
      await one.invoke(messages);
      await one.bindTools([]).invoke(messages);
      await one.withConfig({ tags: ["mine"] }).invoke(messages);
    });
    expect(sites).toEqual(["agent#0", "agent#0", "agent#0"]);
  });

  test("tells models of one node apart", async () => {
    const [one, two] = [model(), model()];
    const sites = await sitesOf(async ({ messages }) => {
      await two.invoke(messages);
      await one.invoke(messages);
      await two.invoke(messages);
    });
    expect(sites).toEqual(["agent#0", "agent#1", "agent#0"]);
  });

  test("has the name that the user gave the model", async () => {
    const named = wrapModel(scriptedModel([{ content: "Hello." }]), { site: "judge" });
    expect(await sitesOf(({ messages }) => named.invoke(messages))).toEqual(["agent#judge"]);
  });

  test("tells the plain calls of a model from its structured ones", async () => {
    const one = model();
    const sites = await sitesOf(async ({ messages }) => {
      await one.invoke(messages);
      await one.withStructuredOutput(z.object({ ok: z.boolean() })).invoke(messages);
      await one.invoke(messages);
    });
    expect(new Set(sites).size).toBe(2);
    expect(sites[2]).toBe(sites[0]);
  });
});

test("messages that a node passes live are not copied where nothing changed them", async () => {
  const given: (readonly BaseMessage[])[] = [];
  const model = scriptedModel((call) => {
    given.push(call.messages);
    return { content: "Hello." };
  });
  await inNode([spyMiddleware().middleware], ({ messages }) => wrapModel(model).invoke(messages));
  expect(given[0]?.[0]).toBeInstanceOf(HumanMessage);
});
