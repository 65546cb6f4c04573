import type { BaseCheckpointSaver, BaseStore } from "@langchain/langgraph";
import type { Pool } from "pg";

import { SurvivalError } from "./survival-error.ts";

/** What a function that builds a graph is given by `expectSurvives()`. */
export interface SurvivalParts {
  /** On Postgres; the graph gets it in any case, unless `ownCheckpointer` says otherwise. */
  readonly checkpointer: BaseCheckpointSaver;
  /** LangGraph's store on the same database. */
  readonly store: BaseStore;
  /** The database itself, for whatever else must survive. */
  readonly pool: Pool;
  readonly databaseUrl: string;
}

/** The part of a compiled graph that is used here. */
export interface RunnableGraph {
  invoke(input: unknown, config: object): Promise<unknown>;
  getState(config: object): Promise<{ readonly values: unknown }>;
}

interface CompiledGraph extends RunnableGraph {
  checkpointer?: unknown;
  store?: unknown;
}

/** A graph that is ready to run, and the checkpointer it runs on. */
interface ReadyGraph {
  readonly graph: RunnableGraph;
  readonly checkpointer: BaseCheckpointSaver;
}

const NAMES = ["graph", "agent", "default"];

/** Takes the graph out of a user's module, building it where a function comes, and puts it on the database. */
export async function graphOfModule(
  module: Readonly<Record<string, unknown>>,
  exportName: string | undefined,
  parts: SurvivalParts | undefined,
): Promise<ReadyGraph> {
  const name = exportName ?? NAMES.find((candidate) => candidate in module);
  const exported = name === undefined ? undefined : module[name];
  const built: unknown =
    typeof exported === "function"
      ? await (exported as (given: unknown) => unknown)(parts)
      : exported;
  const compiled = isBuilder(built) ? built.compile() : built;
  // LangChain's agent keeps its graph in a field and calls it.
  const inner = hasGraph(compiled) ? compiled.graph : compiled;
  if (!isCompiled(inner)) {
    const all = Object.keys(module).join(", ") || "nothing";
    throw new SurvivalError({
      code: "graph-not-found",
      message: `The export ${JSON.stringify(name ?? NAMES)} is no graph and builds none; the module exports ${all}. Name the export as langgraph.json does: "./agent.ts:agent".`,
    });
  }
  // As a LangGraph server does it.
  if (parts !== undefined)
    Object.assign(inner, { checkpointer: parts.checkpointer, store: parts.store });
  const { checkpointer } = inner;
  if (!isSaver(checkpointer)) {
    throw new SurvivalError({
      code: "graph-not-found",
      message: "`ownCheckpointer` is set, and the graph was compiled without a checkpointer.",
    });
  }
  const invoke = hasInvoke(compiled) ? compiled.invoke.bind(compiled) : inner.invoke.bind(inner);
  return { graph: { invoke, getState: inner.getState.bind(inner) }, checkpointer };
}

function isBuilder(value: unknown): value is { compile(): unknown } {
  return has(value, "compile") && !has(value, "invoke");
}

function hasGraph(value: unknown): value is { readonly graph: unknown } {
  return typeof value === "object" && value !== null && "graph" in value && !has(value, "getState");
}

function hasInvoke(value: unknown): value is Pick<RunnableGraph, "invoke"> {
  return has(value, "invoke");
}

function isCompiled(value: unknown): value is CompiledGraph {
  return has(value, "invoke") && has(value, "getState");
}

function isSaver(value: unknown): value is BaseCheckpointSaver {
  return has(value, "putWrites");
}

function has(value: unknown, method: string): boolean {
  return (
    typeof value === "object" && value !== null && typeof Reflect.get(value, method) === "function"
  );
}
