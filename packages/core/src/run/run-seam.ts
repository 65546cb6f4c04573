import { isCommand } from "@langchain/langgraph";

import { CoreError } from "../errors.ts";
import type {
  Builder,
  Compiled,
  LoopParameters,
  SeamBase,
  StreamOptions,
} from "../graph/compiled-graph.ts";
import { planOf, registerPlan } from "../graph/seam-plan.ts";
import type { GraphPlan, SeamPlan } from "../graph/seam-plan.ts";
import { validateShared } from "../graph/shared-input.ts";
import { keepOutOfCache } from "../state/private-writer.ts";
import { attachRun } from "../trace/live-root.ts";
import { maskErrorWrites } from "./error-writes.ts";
import { forkLoop, noteBegin } from "./fork-loop.ts";
import { injectInput } from "./input-checkpoint.ts";
import { missingNodes } from "./pending-tasks.ts";
import { leaveView } from "./read-once.ts";
import { beforeEnd, rootRun } from "./root-run.ts";
import type { Run } from "./root-run.ts";
import { ambientScope, withScope } from "./scope.ts";
import type { GraphScope, RunScope } from "./scope.ts";

interface Superstep {
  updates: { values: unknown; asNode?: string; taskId?: string }[];
}

declare class SeamMethods {
  bulkUpdateState(config: unknown, supersteps: Superstep[]): Promise<unknown>;
  builder: Builder;
  _streamIterator(input: unknown, options?: StreamOptions): AsyncGenerator;
  _runLoop(parameters: LoopParameters): Promise<void>;
  _validateInput(input: unknown): Promise<unknown>;
}
type Constructor = new (fields: Record<string, unknown>) => SeamMethods;

const classes = new WeakMap<Constructor, Constructor>();

/** Builds the compiled graph whose runs pass the seam. */
export function buildSeamGraph(
  original: Compiled,
  fields: Record<string, unknown>,
  builder: Builder,
  plan: SeamPlan,
): Compiled {
  registerPlan(builder, plan);
  const Base = original.constructor as unknown as Constructor;
  const Known = classes.get(Base) ?? seamClass(Base);
  classes.set(Base, Known);
  return new Known(fields) as unknown as Compiled;
}

// `invoke`, `stream` and every `streamEvents` pass through `_streamIterator`, the server's included.
function seamClass(Base: Constructor): Constructor {
  if (typeof Base.prototype._runLoop !== "function") {
    throw new CoreError({
      code: "invalid-graph",
      message: `${Base.name} of this LangGraph release has no run loop Evenkeel knows. Supported is @langchain/langgraph ^1.4.0.`,
    });
  }
  class MiddlewareGraph extends Base {
    override _streamIterator(input: unknown, options?: StreamOptions): AsyncGenerator {
      const plan = planOf(this);
      if (plan === undefined) return super._streamIterator(input, options);
      const run = (next: unknown, config: StreamOptions): AsyncGenerator =>
        super._streamIterator(next, config);
      const { graph, node } = ambientScope();
      return graph === undefined
        ? rootRun(this as unknown as SeamBase, plan, run, input, options ?? {})
        : nestedRun(plan, { ...graph, parent: node ?? graph.parent }, run, input, options ?? {});
    }

    override bulkUpdateState(config: unknown, supersteps: Superstep[]): Promise<unknown> {
      const plan = planOf(this);
      if (plan === undefined) return super.bulkUpdateState(config, supersteps);
      // Callers of a server may update state; private channels are none of theirs.
      const own = supersteps.map((step) => ({
        ...step,
        updates: step.updates.map((update) => ({
          ...update,
          values: withoutPrivate(update.values, plan.reset),
        })),
      }));
      return super.bulkUpdateState(config, own);
    }

    override _validateInput(input: unknown): Promise<unknown> {
      const shared = planOf(this)?.shared ?? [];
      return validateShared(input, shared, (own) => super._validateInput(own));
    }

    override async _runLoop(parameters: LoopParameters): Promise<void> {
      const { graph } = ambientScope();
      const plan = planOf(this);
      if (plan !== undefined) {
        keepOutOfCache(parameters.loop, plan.reset);
        if (plan.options.redactErrors !== false) maskErrorWrites(parameters.loop);
      }
      if (plan === undefined || graph === undefined || graph.parent !== undefined) {
        if (plan !== undefined && graph !== undefined)
          tellMissing(graph.run, plan, parameters.loop);
        return super._runLoop(parameters);
      }
      const { run } = graph;
      const { loop, config } = parameters;
      leaveView(loop);
      attachRun(run, loop.manager, config?.writer);
      injectInput(loop, run, plan.reset);
      noteBegin(loop, run);
      forkLoop(loop, run, plan.reset);
      // Between two attempts no stream is open: what is said there waits for the next one.
      const leave = (): void =>
        void (run.writer = run.attempts === undefined ? run.writer : undefined);
      try {
        await super._runLoop(parameters);
      } catch (error) {
        leave();
        run.messages = messagesOf(loop);
        await beforeEnd(run, { status: "failed", error });
        throw error;
      }
      leave();
      run.ending = loop.status === "done" ? "completed" : "interrupted";
      run.output = loop.output;
      run.messages = messagesOf(loop);
      await beforeEnd(run, { status: run.superseded ? "superseded" : run.ending });
    }
  }
  Object.defineProperty(MiddlewareGraph, "name", { value: Base.name });
  return MiddlewareGraph;
}

/** The message list of a loop that has ended; empty where there is none. */
function messagesOf({ channels }: LoopParameters["loop"]): readonly unknown[] {
  try {
    const messages = channels["messages"]?.get();
    return Array.isArray(messages) ? messages : [];
  } catch {
    // A channel that was never written to throws when it is read.
    return [];
  }
}

/** A resumed subgraph may wait for a node it does not have any more: LangGraph skips it silently. */
function tellMissing(run: RunScope, { facts }: GraphPlan, loop: LoopParameters["loop"]): void {
  if (run.onMissingNodes === undefined || !loop.isResuming) return;
  const missing = missingNodes(loop, new Set(facts.nodes));
  if (missing.length > 0) run.onMissingNodes(missing, facts);
}

function withoutPrivate(values: unknown, reset: GraphPlan["reset"]): unknown {
  const plain =
    typeof values === "object" && values !== null && !Array.isArray(values) && !isCommand(values);
  if (!plain || !Object.keys(values).some((key) => reset.has(key))) return values;
  return Object.fromEntries(Object.entries(values).filter(([key]) => !reset.has(key)));
}

/** A graph with middleware inside another: it adds its own wraps and owns nothing. */
async function* nestedRun(
  plan: SeamPlan,
  outer: GraphScope,
  run: Run,
  input: unknown,
  options: StreamOptions,
): AsyncGenerator {
  const known = new Set(outer.stack.map(({ name }) => name));
  const graph: GraphScope = {
    run: outer.run,
    parent: outer.parent,
    stack: [...outer.stack, ...plan.stack.filter(({ name }) => !known.has(name))],
    channels: new Set(plan.reset.keys()),
  };
  yield* scoped(graph, () => run(input, options));
}

/** Drives a generator under a scope: each step of it, and all that a step starts, sees the scope. */
async function* scoped(graph: GraphScope, start: () => AsyncGenerator): AsyncGenerator {
  const scope = { graph };
  const inner = withScope(scope, start);
  try {
    for (;;) {
      const step = await withScope(scope, () => inner.next());
      if (step.done === true) return;
      yield step.value;
    }
  } finally {
    await withScope(scope, () => inner.return(undefined));
  }
}
