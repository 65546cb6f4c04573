import { withMiddleware, wrapModel } from "@evenkeel/core";
import { HumanMessage, SystemMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { Command, MemorySaver, MessagesAnnotation, START, StateGraph, interrupt } from "@langchain/langgraph";
import { ChatOpenAI } from "@langchain/openai";
import { initChatModel } from "langchain";
import { afterAll, beforeAll, beforeEach, test } from "vitest";
import { z } from "zod";
import { startOpenAIEndpoint } from "../../testing/src/openai-endpoint.ts";
import type { OpenAIEndpoint } from "../../testing/src/openai-endpoint.ts";
import { configFreezeMiddleware } from "../src/index.ts";

let endpoint: OpenAIEndpoint;
beforeAll(async () => { endpoint = await startOpenAIEndpoint({ script: () => ({ content: "ok" }) }); });
afterAll(() => endpoint.close());
beforeEach(() => endpoint.clear());
const t = (name: string, description = "d") => tool(() => "x", { name, description, schema: z.object({ a: z.string().describe("the a"), n: z.number().int().optional() }) });
const model = (o: object = {}) => new ChatOpenAI({ model: "gpt-5.2", temperature: 0.1, apiKey: "k", configuration: { baseURL: endpoint.url }, maxRetries: 0, ...o });
// oxlint-disable-next-line
async function two(name: string, first: any, second: any, saver = new MemorySaver(), cfg: any = {}, cfg2: any = cfg) {
  // oxlint-disable-next-line
  const graph = (m: any) => withMiddleware(new StateGraph(MessagesAnnotation)
    .addNode("one", async (s, c) => ({ messages: [await m().invoke([new SystemMessage("P"), ...s.messages], c)] }))
    .addNode("pause", async () => { interrupt("x"); return {}; })

    .addEdge(START, "one").addEdge("one", "pause").addConditionalEdges("pause", (s) => (s.messages.length > 2 ? "__end__" : "one"), { one: "one", __end__: "__end__" }).compile({ checkpointer: saver }), [configFreezeMiddleware()], { onEvent: (e) => console.log(name, e.name, JSON.stringify(e.detail)) });
  endpoint.clear();
  const conf = { configurable: { thread_id: "t", ...cfg } };
  try {
    await graph(first).invoke({ messages: [new HumanMessage("h")] }, conf);
    await graph(second).invoke(new Command({ resume: 1 }), { configurable: { thread_id: "t", ...cfg2 } });
  } catch (error) { console.log(name, "ERR", (error as Error).message.slice(0, 300)); }
  for (const r of endpoint.requests) { const { messages, ...rest } = r.body as any; console.log(name, JSON.stringify(rest), JSON.stringify(messages[0])); }
}
test("probes", async () => {
  const bound = (o: object, names: string[]) => () => wrapModel(model(o).bindTools(names.map((n) => t(n))) as never);
  await two("bound-before-wrap", bound({}, ["a1"]), bound({ temperature: 0.9 }, ["b1"]));
  await two("strict", () => wrapModel(model()).bindTools([t("a1")], { strict: true }), () => wrapModel(model()).bindTools([t("a1", "changed")], { strict: true }));
  const cm = await initChatModel("gpt-5.2", { modelProvider: "openai", configurableFields: ["model", "temperature"], apiKey: "k", configuration: { baseURL: endpoint.url }, temperature: 0.2 } as never);
  await two("configurable", () => wrapModel(cm as never).bindTools([t("a1")]), () => wrapModel(cm as never).bindTools([t("a1")]), undefined, { model: "gpt-4.1" }, { model: "gpt-5.9", temperature: 0.7 });
  const cm2 = await initChatModel("gpt-5.2", { modelProvider: "openai", configurableFields: ["model", "temperature"], apiKey: "k", configuration: { baseURL: endpoint.url }, temperature: 0.2 } as never);
  await two("configurable-withConfig", () => (wrapModel(cm2 as never) as any).withConfig({ configurable: { model: "gpt-4.1" } }).bindTools([t("a1")]), () => (wrapModel(cm2 as never) as any).withConfig({ configurable: { model: "gpt-4.2" } }).bindTools([t("a1")]));
  await two("structured", () => (wrapModel(model()) as any).withStructuredOutput(z.object({ x: z.string() })).pipe(() => ({ role: "user", content: "y" })), () => (wrapModel(model()) as any).withStructuredOutput(z.object({ y: z.string() })).pipe(() => ({ role: "user", content: "y" })));
  await two("withConfig", () => (wrapModel(model().withConfig({ stop: ["A"] }) as never)), () => wrapModel(model({temperature: 0.8}).withConfig({ stop: ["B"] }) as never));
});
