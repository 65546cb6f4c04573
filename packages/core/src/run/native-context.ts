import { Command } from "@langchain/langgraph";

import { CoreError } from "../errors.ts";
import type { HookContext } from "../middleware.ts";
import { bufferEntries, entriesOf, mergeEntries, readNative } from "../state/private-state.ts";
import { setMarks } from "../trace/live-root.ts";
import type { NewMarks } from "../trace/live-root.ts";
import { liveRun } from "../trace/live-run.ts";
import { assertDeclared, callSiteOf, memoryOf, ownerOf } from "./context-source.ts";
import type { BuiltContext, ContextSource, Entries } from "./context-source.ts";
import { ambientConfigurable, defaultScope, nodePath } from "./execution.ts";
import { nativeRun } from "./native-run.ts";
import { sharedRetryBudget } from "./retry-budget.ts";

/** Without a run seam the root run is looked for each time, from where the hook stands. */
function markLiveRoot(marks: NewMarks): void {
  const root = liveRun()?.root;
  if (root !== undefined) setMarks(root, marks);
}

/** Builds what a hook of a call gets in native `createAgent`, whose state LangChain carries. */
export function nativeContext(source: ContextSource): BuiltContext {
  const { kind, definition, mode, request } = source;
  const configurable = ambientConfigurable();
  const threadId = typeof configurable["thread_id"] === "string" ? configurable["thread_id"] : null;
  const namespace = configurable["checkpoint_ns"];
  const path = typeof namespace === "string" ? nodePath(namespace) : "";
  const run = nativeRun(threadId, defaultScope({ configurable }), request.state["messages"]);
  const writes = new Map<string, Entries>();
  const write = (channel: string, entries: Entries): void =>
    bufferEntries(writes, assertDeclared(definition, channel), entries);
  const context: HookContext = {
    options: definition.options,
    live: definition.live ?? {},
    mode,
    execution: run.execution,
    node: path,
    callSite: callSiteOf(source, path),
    native: true,
    tokensShown: () => source.stream?.shown === true,
    memory: memoryOf(run.memory, definition),
    retryBudget: sharedRetryBudget(run),
    now: Date.now,
    annotate: markLiveRoot,
    state: {
      read: (channel) =>
        mergeEntries(
          entriesOf(readNative(assertDeclared(definition, channel)), channel, run.execution.id),
          writes.get(channel),
        ),
      write,
      save: async (channel, entries) => write(channel, entries),
    },
    emit: (name, fields) => {
      const where = { node: path, write: request.runtime.writer };
      const { severity } = run.emitter.emit(definition.name, name, where, fields);
      if (severity === "info") return;
      const metadata = { evenkeel_execution_id: run.execution.id };
      markLiveRoot({ tags: [`evenkeel:${name}`], metadata });
    },
  };
  const finish = <Result>(result: Result): Result => {
    // A structured response ends the agent, and a Command in its place would lose it.
    if (writes.size === 0 || isStructured(result)) return result;
    if (kind === "tool") {
      // A write sent from inside a task that fails later makes LangGraph take the task for done.
      throw new CoreError({
        code: "run-seam-required",
        middleware: definition.name,
        message: `${definition.name} keeps state around tool calls, which native createAgent cannot carry safely. Wrap the agent: withMiddleware(createAgent({ … })).`,
      });
    }
    const update = Object.fromEntries(
      [...writes].map(([channel, d]) => [
        channel,
        { v: 1, e: ownerOf(definition, channel, run.execution.id), d },
      ]),
    );
    return new Command({ update }) as unknown as Result;
  };
  return { context, finish };
}

/** What LangChain's own handler gives instead of a message where an answer has a form. */
function isStructured(result: unknown): boolean {
  return typeof result === "object" && result !== null && "structuredResponse" in result;
}
