import { readFile } from "node:fs/promises";

import { defineMiddleware } from "@evenkeel/core";
import { MemorySaver } from "@langchain/langgraph";
import { RunTree } from "langsmith";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { askingAgent, localTracing, yes } from "./asking-agent.ts";
import type { LocalTracing } from "./asking-agent.ts";

/** Says that something grave happened, in whichever part it is in the stack of. */
const alarming = defineMiddleware({
  name: "alarmingMiddleware",
  options: {},
  async wrapRun(request, handler, { emit }) {
    emit("execution-failed", { severity: "high" });
    return handler(request);
  },
});

let local: LocalTracing;
let filters: Map<string, string>;
let execution = "none";
let projectId: string;

beforeAll(async () => {
  local = await localTracing();
  // One execution in two parts, of which only the resumed one had trouble, and another thread's.
  const checkpointer = new MemorySaver();
  const config = (thread_id: string) => ({
    configurable: { thread_id },
    callbacks: [local.tracer()],
  });
  await askingAgent(checkpointer).invoke({ answers: [] }, config("t"));
  await askingAgent(checkpointer).invoke({ answers: [] }, config("other"));
  await askingAgent(checkpointer, [alarming]).invoke(yes(), config("t"));
  const { client } = local;
  const metadata = { thread_id: "cut" };
  await new RunTree({ name: "asks-twice", client, project_name: "refunds", metadata }).postRun();
  await local.arrived();
  const [root] = local.langsmith.roots();
  execution = String(root?.metadata["evenkeel_execution_id"]);
  projectId = root?.session_id ?? "";
  const page = await readFile(new URL("../../docs/tracing.md", import.meta.url), "utf8");
  const rows = page.matchAll(/^\| ([^|]+?) +\| (?:all|root) runs +\| `(.+)` +\|$/gmu);
  filters = new Map([...rows].map(([, title = "", filter = ""]) => [title, filter]));
});
afterAll(() => local?.langsmith.close());

async function found(query: { filter?: string; tree_filter?: string; is_root?: boolean }) {
  const runs: string[] = [];
  const selects = ["NAME" as const, "THREAD_ID" as const, "IS_ROOT" as const];
  const all = local.client.runs.query({ project_ids: [projectId], selects, ...query });
  for await (const run of all)
    runs.push(`${run.name} ${run.thread_id}${run.is_root ? " root" : ""}`);
  return runs.toSorted();
}

const filterFor = (title: string): string =>
  (filters.get(title) ?? "none")
    .replace("AGENT", "asks-twice")
    .replace("THREAD", "t")
    .replace("EXECUTION", execution);

describe("the filters of docs/tracing.md", () => {
  test.each([
    [
      "every part of an execution, joined or not",
      false,
      ["__start__ t", "asks-twice t", "asks-twice t root", "first t", "first t", "second t"],
    ],
    ["a conversation", true, ["asks-twice t root"]],
    ["parts in which something happened", false, ["asks-twice t"]],
    ["the resumed parts of an agent", false, ["asks-twice t"]],
    ["executions that began and were cut off", true, ["asks-twice cut root"]],
  ])("find %s", async (title, is_root, expected) => {
    const query = { filter: filterFor(title), ...(is_root ? { is_root } : {}) };
    expect(await found(query)).toEqual(expected);
  });

  test("find whole traces by what happened in a part of them", async () => {
    const tree_filter = filterFor("parts in which something happened");
    expect(await found({ tree_filter, is_root: true })).toEqual(["asks-twice t root"]);
  });

  test("are all tried here", () => {
    expect(filters.size).toBe(5);
  });
});
