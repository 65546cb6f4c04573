import type { HookContext, MiddlewareMode, PrivateState } from "../middleware.ts";
import { keepMemo } from "../state/memo.ts";
import { bufferEntries, entriesOf, mergeEntries, readEntries } from "../state/private-state.ts";
import { markRoot } from "../trace/live-root.ts";
import { assertDeclared, callSiteOf, memoryOf, ownerOf } from "./context-source.ts";
import type { AnyDefinition, BuiltContext, ContextSource, Entries } from "./context-source.ts";
import { EXECUTION_CHANNEL } from "./execution.ts";
import { nativeContext } from "./native-context.ts";
import { sharedRetryBudget } from "./retry-budget.ts";
import { carry } from "./scope.ts";
import type { NodeScope, RunScope } from "./scope.ts";

/** Builds what a hook of a call gets as its third argument. */
export function hookContext(source: ContextSource): BuiltContext {
  const { scope } = source;
  return scope.graph === undefined || scope.node === undefined
    ? nativeContext(source)
    : nodeContext(source, scope.node);
}

/** Builds what `wrapRun` gets: the run's own state, which waits for the input or the next node. */
export function runContext(
  definition: AnyDefinition,
  mode: MiddlewareMode,
  run: RunScope,
  held: (channel: string) => unknown,
): HookContext {
  const write = (channel: string, entries: Entries): void => {
    carry(run, assertDeclared(definition, channel), entries);
    noteIdentity(run, channel, entries);
  };
  return {
    // What another hook of the run froze or wrote meanwhile counts.
    get options() {
      return optionsOf(definition, run);
    },
    live: definition.live ?? {},
    mode,
    get execution() {
      return run.execution;
    },
    node: null,
    callSite: null,
    native: false,
    tokensShown: () => false,
    state: {
      read: (channel) =>
        mergeEntries(
          entriesOf(held(channel), assertDeclared(definition, channel), run.execution.id),
          run.carried.get(channel),
        ),
      write,
      save: async (channel, entries) => {
        write(channel, entries);
        await run.keep(channel, entries);
      },
    },
    memory: memoryOf(run.memory, definition.name),
    retryBudget: sharedRetryBudget(run),
    now: run.clock,
    annotate: (marks) => markRoot(run, marks),
    emit: (name, fields) => void run.emitter.emit(definition.name, name, { node: null }, fields),
  };
}

function nodeContext(source: ContextSource, node: NodeScope): BuiltContext {
  const { definition, mode, request } = source;
  const { run } = node.graph;
  const context: HookContext = {
    options: optionsOf(definition, run),
    live: definition.live ?? {},
    mode,
    execution: run.execution,
    node: node.path,
    callSite: callSiteOf(source, node.path),
    native: false,
    tokensShown: () => source.stream?.shown === true,
    state: nodeState(definition, node),
    memory: memoryOf(run.memory, definition.name),
    retryBudget: sharedRetryBudget(run),
    now: run.clock,
    annotate: (marks) => markRoot(run, marks),
    emit: (name, fields) =>
      void run.emitter.emit(
        definition.name,
        name,
        { node: node.path, write: request.runtime.writer },
        fields,
      ),
  };
  return { context };
}

function nodeState(definition: AnyDefinition, node: NodeScope): PrivateState {
  const { run } = node.graph;
  const write = (channel: string, entries: Entries): void => {
    bufferEntries(node.writes, assertDeclared(definition, channel), entries);
    noteIdentity(run, channel, entries);
  };
  return {
    read: (channel) => readEntries(node, assertDeclared(definition, channel), run.execution.id),
    write,
    save: async (channel, entries) => {
      write(channel, entries);
      await keepMemo(node, ownerOf(definition, channel, run.execution.id), channel, entries);
    },
  };
}

function optionsOf(
  definition: AnyDefinition,
  { frozenOptions }: RunScope,
): Readonly<Record<string, unknown>> {
  return frozenOptions.get(definition.name) ?? definition.options;
}

/** What is written to the execution's identity is true at once for all that asks in this process. */
function noteIdentity(
  run: RunScope,
  channel: string,
  { manifestHash }: Readonly<Record<string, unknown>>,
): void {
  if (channel !== EXECUTION_CHANNEL || typeof manifestHash !== "string") return;
  run.execution = { ...run.execution, manifestHash };
}
