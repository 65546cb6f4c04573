import { AIMessage, HumanMessage, SystemMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import {
  MemorySaver,
  MessagesAnnotation,
  START,
  StateGraph,
  interrupt,
  Command,
} from "@langchain/langgraph";
import { ToolNode, toolsCondition, createReactAgent } from "@langchain/langgraph/prebuilt";
import { createAgent, fakeModel } from "langchain";
import { expect, test } from "vitest";
import { z } from "zod";

import { defineMiddleware, withMiddleware, wrapModel } from "../src/index.ts";

const add = tool(async ({ a, b }: { a: number; b: number }) => String(a + b), {
  name: "add",
  description: "adds",
  schema: z.object({ a: z.number(), b: z.number() }),
});
const log: string[] = [];
const spy = () =>
  defineMiddleware({
    name: "spy",
    options: { level: 1 },
    state: { _spy: {} },
    async wrapRun(request, handler, ctx) {
      log.push(`run ${request.execution.isNew} ${request.graph.nodes}`);
      ctx.state.write("_spy", { started: 1 });
      const o = await handler(request);
      log.push(`end ${o.status}`);
      return o;
    },
    async wrapModelCall(request, handler, ctx) {
      log.push(
        `model ${ctx.callSite} ${request.messages.length} tools=${request.tools.map((t: any) => t.name)} state=${JSON.stringify(ctx.state.read("_spy"))}`,
      );
      ctx.state.write("_spy", { [`m${request.messages.length}`]: ctx.execution.id.length });
      return handler(request);
    },
    async wrapToolCall(request, handler, ctx) {
      log.push(`tool ${request.toolCall.name} ${ctx.node}`);
      ctx.emit("custom-tool", { detail: { x: 1 } });
      return handler(request);
    },
  });
const script = () =>
  fakeModel()
    .respondWithTools([
      { name: "add", args: { a: 1, b: 2 }, id: "c1" },
      { name: "nope", args: {}, id: "c2" },
    ])
    .respond(new AIMessage({ content: "3", id: "m2" }));

function build(model: any) {
  return new StateGraph(MessagesAnnotation)
    .addNode("agent", async (s) => ({
      messages: [await model.bindTools([add]).invoke([new SystemMessage("sys"), ...s.messages])],
    }))
    .addNode("tools", new ToolNode([add]))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent");
}
async function history(g: any, c: any) {
  const o: any[] = [];
  for await (const s of g.getStateHistory(c))
    o.push([s.metadata.step, s.next, Object.keys(s.values)]);
  return o;
}

test("stategraph", async () => {
  log.length = 0;
  const bare = build(script()).compile({ checkpointer: new MemorySaver() });
  const cfg = { configurable: { thread_id: "1" } };
  const b = await bare.invoke({ messages: [new HumanMessage({ content: "hi", id: "h" })] }, cfg);
  const cp = new MemorySaver();
  const events: any[] = [];
  const g = withMiddleware(build(wrapModel(script())), [spy()], {
    checkpointer: cp,
    onEvent: (e) => events.push(e),
  });
  const r = await g.invoke({ messages: [new HumanMessage({ content: "hi", id: "h" })] }, cfg);
  console.log(
    log,
    events.map((e) => [e.name, e.sequence, e.node]),
  );
  console.log(r.messages.map((m: any) => [m.getType(), m.content, m.status]));
  console.log(b.messages.map((m: any) => [m.getType(), m.content, m.status]));
  expect(Object.keys(r)).toEqual(Object.keys(b));
  expect(await history(g, cfg)).toEqual(await history(bare, cfg));
  const t = await cp.getTuple(cfg);
  console.log(
    JSON.stringify(t!.checkpoint.channel_values["_spy"]),
    JSON.stringify(t!.checkpoint.channel_values["_execution"]),
  );
});
test("streams", async () => {
  for (const mode of [
    "values",
    "updates",
    "debug",
    "custom",
    "messages",
    "tasks",
    "checkpoints",
  ] as const) {
    const cfg = { configurable: { thread_id: mode }, streamMode: mode };
    const norm = (x: any) =>
      JSON.stringify(x)
        .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "ID")
        .replace(/"(ts|timestamp)":"[^"]*"/g, "");
    const run = async (g: any) => {
      const o = [];
      for await (const c of await g.stream(
        { messages: [new HumanMessage({ content: "hi", id: "h" })] },
        cfg,
      ))
        o.push(norm(c));
      return o;
    };
    const b = await run(build(script()).compile({ checkpointer: new MemorySaver() }));
    const w = await run(
      withMiddleware(build(wrapModel(script())), [spy()], { checkpointer: new MemorySaver() }),
    );
    console.log(mode, b.length, w.length, b.join("") === w.join(""));
    if (b.length === w.length)
      b.forEach((x, i) => {
        if (x !== w[i]) console.log("DIFF", x.slice(0, 1500), "\n====", w[i]!.slice(0, 1500));
      });
  }
});
test("createReactAgent and createAgent", async () => {
  for (const version of ["v1", "v2"] as const) {
    log.length = 0;
    const g = withMiddleware(
      createReactAgent({
        llm: wrapModel(script()) as any,
        tools: [add],
        version,
        checkpointer: new MemorySaver(),
      }),
      [spy()],
    );
    const r = await g.invoke(
      { messages: [new HumanMessage("hi")] },
      { configurable: { thread_id: "1" } },
    );
    console.log(version, log, r.messages.at(-1)!.content);
  }
  log.length = 0;
  const a = withMiddleware(
    createAgent({
      model: script() as any,
      tools: [add],
      middleware: [spy()] as any,
      checkpointer: new MemorySaver(),
    }),
  );
  const r: any = await a.invoke({ messages: [new HumanMessage("hi")] } as any, {
    configurable: { thread_id: "1" },
  });
  console.log(log, Object.keys(r), r.messages.at(-1)!.content);
  log.length = 0;
  const n = createAgent({
    model: script() as any,
    tools: [add],
    middleware: [spy()] as any,
    checkpointer: new MemorySaver(),
  });
  try {
    await n.invoke({ messages: [new HumanMessage("hi")] } as any, {
      configurable: { thread_id: "1" },
    });
  } catch (e) {
    console.log("native", e);
  }
  console.log(log);
});
test("interrupt", async () => {
  log.length = 0;
  const ask = tool(
    async () => {
      const v = interrupt("ok?");
      return `got ${v}`;
    },
    { name: "add", description: "d", schema: z.object({}).passthrough() },
  );
  const model = wrapModel(script());
  const g = withMiddleware(
    new StateGraph(MessagesAnnotation)
      .addNode("agent", async (s) => ({
        messages: [(await model.bindTools!([ask]).invoke(s.messages)) as AIMessage],
      }))
      .addNode("tools", new ToolNode([ask]))
      .addEdge(START, "agent")
      .addConditionalEdges("agent", toolsCondition)
      .addEdge("tools", "agent"),
    [spy()],
    { checkpointer: new MemorySaver() },
  );
  const cfg = { configurable: { thread_id: "1" } };
  const one: any = await g.invoke({ messages: [new HumanMessage("hi")] }, cfg);
  console.log(one.__interrupt__);
  const two = await g.invoke(new Command({ resume: "yes" }) as any, cfg);
  console.log(
    log,
    two.messages.map((m: any) => m.content),
  );
});
