import { withMiddleware } from "@evenkeel/core";
import { CallbackManager } from "@langchain/core/callbacks/manager";
import { RunnableLambda } from "@langchain/core/runnables";
import { LangChainTracer } from "@langchain/core/tracers/tracer_langchain";
import { Annotation, MemorySaver, START, StateGraph } from "@langchain/langgraph";
import { RunTree } from "langsmith";
import { traceable, withRunTree } from "langsmith/traceable";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { askingAgent, bareAgent, localTracing, yes } from "./asking-agent.ts";
import type { LocalTracing } from "./asking-agent.ts";

const thread = { configurable: { thread_id: "t" } };
let local: LocalTracing;
let checkpointer: MemorySaver;
beforeEach(async () => {
  local = await localTracing();
  checkpointer = new MemorySaver();
});
afterEach(() => local.langsmith.close());

const pause = (traced = true) =>
  askingAgent(checkpointer).invoke(
    { answers: [] },
    { ...thread, ...(traced ? { callbacks: [local.tracer()] } : {}) },
  );
const resume = (callbacks: LangChainTracer[] | CallbackManager) =>
  askingAgent(checkpointer).invoke(yes(), { ...thread, callbacks });

function managerOf(parentId?: string): CallbackManager {
  const manager = new CallbackManager(parentId);
  manager.addHandler(local.tracer(), true);
  return manager;
}

const BEGINNING = ["asks-twice", "├─ __start__"];
const JOINED = [...BEGINNING, "├─ first", "└─ asks-twice", "   ├─ first", "   └─ second"];
const UNDER_CALLER = ["caller", "└─ asks-twice", "   ├─ first", "   └─ second"];

test("a graph with middleware adds no run to the bare graph's trace", async () => {
  await bareAgent(checkpointer).invoke({ answers: [] }, { ...thread, callbacks: [local.tracer()] });
  const bare = await local.tree();
  local.langsmith.clear();
  checkpointer = new MemorySaver();
  await pause();
  expect(await local.tree()).toEqual(bare);
});

describe("a resumed part joins the first trace", () => {
  test("with a tracer of its own", async () => {
    await pause();
    await resume([local.tracer()]);
    expect(await local.tree()).toEqual(JOINED);
  });

  test("with a callback manager that has no parent run", async () => {
    await pause();
    await resume(managerOf());
    expect(await local.tree()).toEqual(JOINED);
  });

  test.each(["a tracer", "a manager"])("with %s that is bound to the graph", async (which) => {
    await pause();
    const callbacks = which === "a tracer" ? [local.tracer()] : managerOf();
    await askingAgent(checkpointer).withConfig({ callbacks }).invoke(yes(), thread);
    expect(await local.tree()).toEqual(JOINED);
  });

  test.each(["v1", "v2"] as const)(
    "under streamEvents %s, with the same events",
    async (version) => {
      const eventsOf = async (callbacks: LangChainTracer[]): Promise<string[]> => {
        await pause();
        const config = { ...thread, callbacks, version };
        const seen: string[] = [];
        for await (const { event, name } of askingAgent(checkpointer).streamEvents(yes(), config)) {
          seen.push(`${event} ${name}`);
        }
        return seen;
      };
      const untraced = await eventsOf([]);
      await local.arrived();
      local.langsmith.clear();
      checkpointer = new MemorySaver();
      expect(await eventsOf([local.tracer()])).toEqual(untraced);
      expect(await local.tree()).toEqual(JOINED);
    },
  );

  test("with every further resume", async () => {
    await pause();
    await resume([local.tracer()]);
    await resume([local.tracer()]);
    const middle = ["├─ asks-twice", "│  ├─ first", "│  └─ second"];
    const end = ["└─ asks-twice", "   └─ second"];
    expect(await local.tree()).toEqual([...JOINED.slice(0, 3), ...middle, ...end]);
  });

  test("where tracing began with an earlier resume", async () => {
    await pause(false);
    await resume([local.tracer()]);
    await resume([local.tracer()]);
    const end = ["└─ asks-twice", "   └─ second"];
    expect(await local.tree()).toEqual(["asks-twice", "├─ first", "├─ second", ...end]);
  });

  test("and a new input of the thread begins a trace of its own", async () => {
    await pause();
    await pause();
    expect(await local.tree()).toEqual([...BEGINNING, "└─ first", ...BEGINNING, "└─ first"]);
  });

  test("while the first run is still at work in this process, and leaves it its end", async () => {
    let finish: (answer: string) => void = () => undefined;
    const answer = new Promise<string>((resolve) => (finish = resolve));
    const slow = () =>
      withMiddleware(
        new StateGraph(Annotation.Root({ answer: Annotation<string> }))
          .addNode("work", async () => ({ answer: await answer }))
          .addEdge(START, "work")
          .compile({ checkpointer, name: "slow" }),
      );
    const shared = local.tracer();
    const config = { ...thread, callbacks: [shared], durability: "sync" as const };
    const first = slow().invoke({}, config);
    await local.langsmith.until(() => local.langsmith.runs.some(({ name }) => name === "work"));
    const second = slow().invoke(null, config);
    await local.langsmith.until(() => local.langsmith.runs.length === 5);
    finish("done");
    await Promise.all([first, second]);
    expect(await local.tree()).toEqual([
      "slow",
      "├─ __start__",
      "├─ work",
      "└─ slow",
      "   └─ work",
    ]);
    expect(local.langsmith.roots()).toMatchObject([
      { status: "success", outputs: { answer: "done" } },
    ]);
  });

  test("and a tracer that serves many runs keeps nothing of it", async () => {
    await pause();
    await local.arrived();
    const first = local.langsmith.roots()[0]?.id ?? "none";
    const replicas = [{ projectName: "copies" }];
    const shared = new LangChainTracer({ client: local.client, projectName: "refunds", replicas });
    await resume([shared]);
    await local.arrived();
    expect(shared).toMatchObject({ projectName: "refunds", replicas });
    expect(shared.getRun(first)).toBeUndefined();
  });
});

describe("a resumed part stays where its caller put it", () => {
  test("under a parent run", async () => {
    await pause();
    const parent = new RunTree({ name: "caller", client: local.client, project_name: "refunds" });
    await parent.postRun();
    const callbacks = new CallbackManager(parent.id);
    const tracer = local.tracer();
    tracer.updateFromRunTree(parent);
    callbacks.addHandler(tracer, true);
    await resume(callbacks);
    expect(await local.tree()).toEqual([...BEGINNING, "└─ first", ...UNDER_CALLER]);
  });

  test("inside a traced function", async () => {
    await pause();
    vi.stubEnv("LANGSMITH_TRACING", "true");
    const caller = traceable(
      async () => {
        await askingAgent(checkpointer).invoke(yes(), thread);
      },
      { name: "caller", client: local.client, project_name: "refunds" },
    );
    await caller();
    vi.unstubAllEnvs();
    expect(await local.tree()).toEqual([...BEGINNING, "└─ first", ...UNDER_CALLER]);
  });

  test("inside a trace that a request brought", async () => {
    await pause();
    vi.stubEnv("LANGSMITH_TRACING", "true");
    const elsewhere = new RunTree({
      name: "caller",
      client: local.client,
      project_name: "refunds",
    });
    await elsewhere.postRun();
    const caller = RunTree.fromHeaders(elsewhere.toHeaders(), { client: local.client });
    if (caller === undefined) throw new Error("no headers");
    await withRunTree(caller, () => askingAgent(checkpointer).invoke(yes(), thread));
    vi.unstubAllEnvs();
    expect(await local.tree()).toEqual([...BEGINNING, "└─ first", ...UNDER_CALLER]);
  });

  test("inside another runnable", async () => {
    await pause();
    const caller = RunnableLambda.from(async () => {
      await askingAgent(checkpointer).invoke(yes(), thread);
      return "done";
    });
    await caller.invoke("", { callbacks: [local.tracer()], runName: "caller" });
    expect(await local.tree()).toEqual([...BEGINNING, "└─ first", ...UNDER_CALLER]);
  });
});

describe("a run goes on in a trace of its own", () => {
  test.each([
    ["garbage", "no order at all"],
    ["a moment without a run", "20261121T052347716001Z"],
    ["two lines", "20261121T052347716001Z01a1fc8f-8984-773c-97ed-55c2254a5b57\r\nx: y"],
    ["a number", 7],
  ])("where the kept order is %s", async (_title, trace) => {
    await pause(false);
    await tamper({ trace });
    await resume([local.tracer()]);
    await local.arrived();
    const [root, ...others] = local.langsmith.runs;
    expect(root).toMatchObject({ name: "asks-twice", trace_id: root?.id });
    expect(root).not.toHaveProperty("parent_run_id");
    expect(others.map(({ name, parent_run_id }) => [name, parent_run_id])).toEqual([
      ["first", root?.id],
      ["second", root?.id],
    ]);
  });
});

/** Changes what the thread's checkpoint holds of its execution. */
async function tamper(entries: Readonly<Record<string, unknown>>): Promise<void> {
  const tuple = await checkpointer.getTuple(thread);
  if (tuple?.metadata === undefined) throw new Error("The thread has no checkpoint.");
  const held = tuple.checkpoint.channel_values["_execution"] as { d: object };
  held.d = { ...held.d, ...entries };
  await checkpointer.put(tuple.config, tuple.checkpoint, tuple.metadata);
}
