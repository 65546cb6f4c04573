import { defineMiddleware, memoryStore, withMiddleware, wrapModel } from "@evenkeel/core";
import type { EvenkeelEvent, EvenkeelStore } from "@evenkeel/core";
import { freshDatabase, replyByTurn } from "@evenkeel/testing";
import type { FreshDatabase } from "@evenkeel/testing";
import { HumanMessage, SystemMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { Command, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { createAgent } from "langchain";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";

import { configFreezeMiddleware } from "../src/index.ts";
import type { ConfigFreezeMiddlewareOptions } from "../src/index.ts";
import { thread } from "./support/agent.ts";
import type { TestGraph } from "./support/agent.ts";
import { REFUND_TURNS, modelOf, monday, toolsOf, tuesday } from "./support/shop.ts";
import type { Release } from "./support/shop.ts";
import { useWire } from "./support/wire.ts";

/** Nothing of these may lie or travel anywhere of ours; by where they are planted. */
const SECRETS = {
  apiKey: "planted-api-key-0001",
  header: "planted-header-0002",
  modelField: "planted-model-field-0003",
  callOption: "planted-call-option-0004",
  user: "planted-user-0005",
  context: "planted-context-0006",
  configurable: "planted-configurable-0007",
  middlewareOption: "planted-option-0008",
  prompt: `sk-${"Pl4nted0009".repeat(3)}`,
  tool: `sk-${"Pl4nted0010".repeat(3)}`,
} as const;

const wire = useWire({ script: replyByTurn(REFUND_TURNS) });
let database: FreshDatabase;
let saver: PostgresSaver;
let schema: string;
beforeAll(async () => {
  database = await freshDatabase();
  schema = database.schema ?? "public";
  saver = new PostgresSaver(database.pool, undefined, { schema });
  await saver.setup();
});
afterAll(() => database.drop());

/** Every column of every row LangGraph keeps, as text. */
async function atRest(): Promise<string> {
  const texts: string[] = [];
  for (const table of ["checkpoints", "checkpoint_blobs", "checkpoint_writes"]) {
    const { rows } = await database.pool.query(`SELECT * FROM "${schema}".${table}`);
    for (const value of rows.flatMap((row: object) => Object.values(row) as unknown[])) {
      texts.push(Buffer.isBuffer(value) ? value.toString("utf8") : JSON.stringify(value));
    }
  }
  return texts.join("\n");
}

function plantedModel(release: Release): object {
  const { apiKey, header, modelField, user } = SECRETS;
  return modelOf(release, wire.endpoint().url, {
    apiKey,
    user,
    modelKwargs: { access_token: modelField },
    configuration: {
      baseURL: wire.endpoint().url,
      defaultHeaders: { authorization: `Bearer ${header}`, "x-api-key": header },
    },
  });
}

function plantedTools(release: Release): StructuredToolInterface[] {
  const leaky = tool(async () => "x", {
    name: "leaky",
    description: `Calls the bank with ${SECRETS.tool}.`,
    schema: z.object({ note: z.string().default(SECRETS.tool) }),
  });
  return [...toolsOf(release), leaky as never];
}

const other = defineMiddleware({
  name: "otherMiddleware",
  options: { apiKey: SECRETS.middlewareOption, retry: { token: SECRETS.middlewareOption } },
});

function planted(
  shape: "StateGraph" | "createAgent",
  release: Release,
  options: ConfigFreezeMiddlewareOptions,
  events: EvenkeelEvent[],
  eventStore: EvenkeelStore,
): TestGraph {
  const model = plantedModel(release);
  const tools = plantedTools(release);
  const prompt = `${release.prompt} Use ${SECRETS.prompt}.`;
  const stack = [configFreezeMiddleware(options), other];
  const run = { eventStore, onEvent: (event: EvenkeelEvent) => void events.push(event) };
  if (shape === "createAgent") {
    const agent = createAgent({
      model: model as never,
      tools,
      systemPrompt: prompt,
      checkpointer: saver,
    });
    return withMiddleware(agent, stack, run);
  }
  const bound = (wrapModel(model) as ReturnType<typeof modelOf>).bindTools(tools);
  const headers = { "x-call": SECRETS.callOption };
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }, config) => ({
      // The node hands on all it was given: context, store and writer included.
      messages: [
        await bound.invoke([new SystemMessage(prompt), ...messages], {
          ...config,
          options: { headers },
        }),
      ],
    }))
    .addNode("tools", new ToolNode(tools))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile({ checkpointer: saver });
  return withMiddleware(graph, stack, run);
}

/** Which planted secrets the texts hold, and where. */
function leaks(texts: Readonly<Record<string, string>>): string[] {
  return Object.entries(texts).flatMap(([where, text]) =>
    Object.entries(SECRETS).flatMap(([place, secret]) =>
      text.includes(secret) ? [`${place} ${where}`] : [],
    ),
  );
}

const MODES = ["values", "updates", "custom", "debug", "checkpoints", "tasks"];

async function streamed(graph: TestGraph, input: unknown, id: string): Promise<string> {
  const config = thread(id, {
    context: { token: SECRETS.context, plan: "gold" },
    configurable: { user_token: SECRETS.configurable },
    streamMode: MODES,
  });
  const chunks: unknown[] = [];
  for await (const chunk of await graph.stream(input, config)) chunks.push(chunk);
  return JSON.stringify(chunks);
}

describe.each(["StateGraph", "createAgent"] as const)("secrets planted in a %s", (shape) => {
  test.each(["the private channel", "a store"])(
    "are in no checkpoint, stream, event or store, with manifests in %s",
    async (where) => {
      const id = `secrets ${shape} ${where}`;
      const events: EvenkeelEvent[] = [];
      const store = memoryStore();
      const kept: unknown[] = [];
      const manifests: EvenkeelStore = {
        ...store,
        putManifest: async (scope, hash, body) => {
          kept.push(body);
          await store.putManifest(scope, hash, body);
        },
      };
      const options: ConfigFreezeMiddlewareOptions = {
        include: { context: ["plan"] },
        config: ({ context }) => ({ plan: (context as { plan: string }).plan }),
        ...(where === "a store" ? { store: manifests } : {}),
      };
      const deployed = (release: Release): TestGraph =>
        planted(shape, release, options, events, store);
      const first = await streamed(
        deployed(monday),
        { messages: [new HumanMessage("refund A1")] },
        id,
      );
      const second = await streamed(deployed(tuesday), new Command({ resume: "yes" }), id);

      // The test can fail: the wire has them all.
      const sent = JSON.stringify(wire.endpoint().requests);
      expect(leaks({ sent })).toEqual(
        expect.arrayContaining(["header sent", "prompt sent", "tool sent", "user sent"]),
      );
      const ours = JSON.stringify([events, await store.listEvents(events[0]?.executionId ?? "")]);
      const rest = await atRest();
      expect(rest).toContain("_configSites");
      expect(kept.length > 0).toBe(where === "a store");
      const places = { "at rest": rest, "in an event": ours, "in a store": JSON.stringify(kept) };
      expect(leaks(places)).toEqual([]);
      // What the caller put into configurable, LangGraph's own streams show.
      const streams = { "in a stream": first + second };
      expect(leaks(streams)).toEqual(["configurable in a stream"]);
    },
  );

  test("leave the prompt that holds one to the live process, and say so", async () => {
    const events: EvenkeelEvent[] = [];
    const id = `prompt ${shape}`;
    const deployed = (release: Release): TestGraph =>
      planted(shape, release, {}, events, memoryStore());
    await streamed(deployed(monday), { messages: [new HumanMessage("refund A1")] }, id);
    await streamed(deployed(tuesday), new Command({ resume: "yes" }), id);
    const [first, second] = wire.sent();
    expect(second?.prompt).toContain("strict");
    expect(second?.rest).toBe(first?.rest);
    expect(events.filter(({ name }) => name === "middleware-warning")).toMatchObject([
      { detail: { reason: "prompt-holds-secret" } },
    ]);
  });
});

test("the streams of a frozen run show no prompt, no tool and no manifest", async () => {
  const prompt = "You are the only one who knows this sentence.";
  const graph = withMiddleware(
    createAgent({
      model: modelOf(monday, wire.endpoint().url),
      tools: toolsOf(monday),
      systemPrompt: prompt,
      checkpointer: saver,
    }),
    [configFreezeMiddleware({ config: () => ({ policy: "Nobody may know this policy." }) })],
  ) as unknown as TestGraph;
  const input = { messages: [new HumanMessage("refund A1")] };
  const text = await streamed(graph, input, "streams");
  const more = await streamed(graph, new Command({ resume: "yes" }), "streams");
  for await (const event of graph.streamEvents(input, {
    ...thread("stream events"),
    version: "v2",
  })) {
    if ((event as { event: string }).event.startsWith("on_chat_model")) continue;
    expect(JSON.stringify(event)).not.toMatch(/only one who knows|Nobody may know|_config/);
  }
  expect(text + more).not.toMatch(/only one who knows|Nobody may know|_config|Pays back/);
  expect(Object.keys((await graph.getState(thread("streams"))).values as object)).toEqual([
    "messages",
  ]);
});
