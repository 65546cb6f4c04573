import { renderTrace } from "@evenkeel/testing";
import type { LangSmithEndpoint } from "@evenkeel/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { buildWorld } from "./world.ts";
import type { World } from "./world.ts";

type Run = LangSmithEndpoint["runs"][number];

let world: World;
let langsmith: LangSmithEndpoint;
beforeAll(async () => {
  world = await buildWorld();
  ({ langsmith } = world);
});
afterAll(() => world?.close());

let count = 0;
let thread: string;
beforeEach(() => {
  count += 1;
  thread = `thread-${count}`;
});
afterEach(() => langsmith.clear());

/** All that LangSmith has, drawn: names as a tree, and of a run that did not succeed its status. */
function drawn(): string[] {
  const withoutOwnDetails = langsmith.runs.filter(
    ({ name }) => !/^(__start__|Runnable)/.test(name),
  );
  return renderTrace(withoutOwnDetails, { durationMs: () => undefined })
    .split("\n")
    .map((line) => line.replace(/ {2,}(chain|tool|llm|retriever) +/, " ").replace(/ success$/, ""))
    .map((line) => line.replace(/ error: .*/, " error"));
}

function traces(): Set<string> {
  return new Set(langsmith.runs.map((run) => run.trace_id));
}

const executionIn = (stdout: string): string => /execution (\S+)/.exec(stdout)?.[1] ?? "none";

/** What one search on the execution finds, as it is pasted into LangSmith. */
async function foundBy(executionId: string, onlyRoots = false): Promise<Set<unknown>> {
  const project = await world.client.readProject({ projectName: "refunds" });
  const filter = `and(eq(metadata_key, "evenkeel_execution_id"), eq(metadata_value, "${executionId}"))`;
  const ids = new Set<unknown>();
  const query = { project_ids: [project.id], filter, ...(onlyRoots ? { is_root: true } : {}) };
  for await (const { id } of world.client.runs.query(query)) ids.add(id);
  return ids;
}

const idsOf = (runs: readonly Run[]): Set<unknown> => new Set(runs.map(({ id }) => id));

const TOOL = ["├─ tools", "│  └─ find_charges", "│     └─ GET /charges", "│        └─ scan_ledger"];
const indent = (lines: readonly string[]): string[] => lines.map((line) => `   ${line}`);
const pending = (lines: readonly string[], running: number): string[] =>
  lines.map((line, index) => (index < running ? `${line} pending` : line));
const REST = [...TOOL, "└─ agent", "   └─ ChatOpenAI"];

describe("from the entry to the slow call in another service", () => {
  test("is one trace, switched on by the environment alone", async () => {
    const { result, stdout } = await world.run({ thread, input: "check A-1" });
    expect(result).toBe("It was charged twice.");
    expect(drawn()).toEqual(["refund-agent", "├─ agent", "│  └─ ChatOpenAI", ...REST]);
    expect(traces()).toEqual(new Set([langsmith.roots()[0]?.id]));
    // What the service did carries the execution as well: the search finds it too.
    expect(await foundBy(executionIn(stdout))).toEqual(idsOf(langsmith.runs));
  });

  test("only an origin on the list learns of the trace", async () => {
    const before = world.strangerReceived.length;
    await world.run({ thread, input: "check A-1", tracer: true });
    const names = ["langsmith-trace", "baggage", "traceparent"];
    const [stranger] = world.strangerReceived.slice(before);
    expect(Object.keys(stranger ?? {})).toContain("host");
    expect(Object.keys(stranger ?? {}).filter((name) => names.includes(name))).toEqual([]);

    const received = (await world.service.received()).at(-1) ?? {};
    const tool = langsmith.runs.find(({ name }) => name === "find_charges");
    expect(received["langsmith-trace"]).toBe(tool?.dotted_order);
    const [version, traceId, parentId, flags] = String(received["traceparent"]).split("-");
    expect([version, flags]).toEqual(["00", "01"]);
    expect(traceId).toBe(tool?.trace_id.replaceAll("-", ""));
    expect(parentId).toBe(tool?.id.replaceAll("-", "").slice(-16));
    expect(`${traceId} ${parentId}`).toMatch(/^[0-9a-f]{32} [0-9a-f]{16}$/);
  });
});

describe("a part resumed in another process joins the first trace", () => {
  const FIRST_TURN = ["├─ agent", "│  └─ ChatOpenAI"];

  test.each([
    ["the environment", false],
    ["a tracer of the application", true],
  ])("after SIGKILL in a tool, traced by %s", async (_title, tracer) => {
    const { stdout } = await world.kill({ thread, input: "check A-1", tracer }, "tool:answered");
    const [first] = langsmith.roots();
    const { result } = await world.run({ thread, input: null, tracer });
    expect(result).toBe("It was charged twice.");
    const killed = pending(TOOL, 2);
    expect(drawn()).toEqual([
      "refund-agent pending",
      ...FIRST_TURN,
      ...killed,
      "└─ refund-agent",
      ...indent(REST),
    ]);
    expect(traces()).toEqual(new Set([first?.id]));
    expect(await foundBy(executionIn(stdout))).toEqual(idsOf(langsmith.runs));
  });

  test("after SIGKILL before the first node had completed", async () => {
    await world.kill({ thread, input: "check A-1" }, "agent:answered");
    const [first] = langsmith.roots();
    await world.run({ thread, input: null });
    const [root, node, call, ...resumed] = drawn();
    expect([root, node]).toEqual(["refund-agent pending", "├─ agent pending"]);
    expect(call).toBe("│  └─ ChatOpenAI pending");
    expect(resumed).toEqual(["└─ refund-agent", ...indent([...FIRST_TURN, ...REST])]);
    expect(traces()).toEqual(new Set([first?.id]));
  });

  test("after an interrupt that a person answered", async () => {
    await world.run({ thread, input: "refund A-1" });
    const [first] = langsmith.roots();
    const { result } = await world.run({ thread, input: { answer: "yes" }, tracer: true });
    expect(result).toBe("It is refunded.");
    expect(drawn()).toEqual([
      "refund-agent",
      ...FIRST_TURN,
      ...TOOL,
      ...FIRST_TURN,
      "├─ tools error",
      "│  └─ refund error",
      "└─ refund-agent",
      "   ├─ tools",
      "   │  └─ refund",
      "   └─ agent",
      "      └─ ChatOpenAI",
    ]);
    expect(traces()).toEqual(new Set([first?.id]));
  });
});

describe("where the first trace cannot be joined, one search on the execution finds all parts", () => {
  test("tracing was switched on after the beginning", async () => {
    const env = { LANGSMITH_TRACING: undefined };
    const killed = await world.kill(
      { thread, input: "check A-1", sendLate: true, env },
      "agent:answered",
    );
    expect(langsmith.runs).toEqual([]);
    await world.run({ thread, input: null });
    const [root] = langsmith.roots();
    expect(root).toMatchObject({ name: "refund-agent", status: "success" });
    expect(await foundBy(executionIn(killed.stdout), true)).toEqual(new Set([root?.id]));
  });

  test("the first root was killed before it was sent", async () => {
    const input = { thread, input: "check A-1", tracer: true, sendLate: true };
    const killed = await world.kill(input, "agent:answered");
    expect(langsmith.runs).toEqual([]);
    await world.run({ thread, input: null, tracer: true });
    expect(traces().size).toBe(1);
    expect(langsmith.runs.map(({ id }) => id)).not.toContain([...traces()][0]);
    expect(await foundBy(executionIn(killed.stdout))).toEqual(idsOf(langsmith.runs));
  });

  test("langsmith is not installed where core would find it", async () => {
    const script = new URL("./without-langsmith.ts", import.meta.url);
    const started = await world.run({ thread, input: "refund A-1", script });
    const step = { thread, input: { answer: "yes" }, tracer: true, script };
    const { result, stdout } = await world.run(step);
    expect(result).toBe("It is refunded.");
    expect(stdout).toContain("core asked for langsmith/run_trees");
    expect(langsmith.roots().map(({ name }) => name)).toEqual(["refund-agent", "refund-agent"]);
    const roots = await foundBy(executionIn(started.stdout), true);
    expect(roots).toEqual(idsOf(langsmith.roots()));
  });
});

test("with tracing off nothing is asked of langsmith, nothing sent, and nothing fails", async () => {
  await world.kill({ thread, input: "check A-1" }, "tool:answered");
  langsmith.clear();
  const script = new URL("./without-langsmith.ts", import.meta.url);
  const env = { LANGSMITH_TRACING: undefined };
  const { result, stdout } = await world.run({ thread, input: null, script, env });
  expect(result).toBe("It was charged twice.");
  expect(stdout).not.toContain("core asked for");
  // The service traces on its own: it was told of no trace.
  expect(drawn()).toEqual(["GET /charges", "└─ scan_ledger"]);
  expect((await world.service.received()).at(-1)).not.toHaveProperty("langsmith-trace");
});
