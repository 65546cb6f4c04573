import { START, isCommand, isGraphBubbleUp } from "@langchain/langgraph";

import { compose } from "../compose.ts";
import { runRunHook } from "../define-middleware.ts";
import { CoreError, EvenkeelError } from "../errors.ts";
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
import type { RunOutcome, RunRequest } from "../middleware.ts";
import { currentMode } from "../mode.ts";
import { anchorInput, anchorRun } from "../state/memo.ts";
import { channelUpdates } from "../state/private-state.ts";
import { keepOutOfCache } from "../state/private-writer.ts";
import { openAttemptsRun } from "../trace/attempts-run.ts";
import type { AttemptsRun } from "../trace/attempts-run.ts";
import { attachRun, rootFacts } from "../trace/live-root.ts";
import { chunkGate } from "./chunk-gate.ts";
import { maskErrorWrites } from "./error-writes.ts";
import { forkLoop, noteBegin } from "./fork-loop.ts";
import { runContext } from "./hook-context.ts";
import { openRun } from "./open-run.ts";
import type { OpenedRun } from "./open-run.ts";
import { missingNodes } from "./pending-tasks.ts";
import { leaveView, readOnce } from "./read-once.ts";
import { relay } from "./relay.ts";
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
        await beforeEnd(run, { status: "failed", error });
        throw error;
      }
      leave();
      run.ending = loop.status === "done" ? "completed" : "interrupted";
      run.output = loop.output;
      await beforeEnd(run, { status: run.superseded ? "superseded" : run.ending });
    }
  }
  Object.defineProperty(MiddlewareGraph, "name", { value: Base.name });
  return MiddlewareGraph;
}

/** A resumed subgraph may wait for a node it does not have any more: LangGraph skips it silently. */
function tellMissing(run: RunScope, { facts }: GraphPlan, loop: LoopParameters["loop"]): void {
  if (run.onMissingNodes === undefined || !loop.isResuming) return;
  const missing = missingNodes(loop, new Set(facts.nodes));
  if (missing.length > 0) run.onMissingNodes(missing, facts);
}

/** Last words of a run, while its trace is open; none of them can fail it. */
async function beforeEnd(run: RunScope, outcome: RunOutcome): Promise<void> {
  run.told = outcome.status;
  for (const listener of run.beforeEnd) {
    try {
      await listener(outcome, rootFacts(run));
    } catch {
      // A listener reports; the run has its outcome.
    }
  }
}

function withoutPrivate(values: unknown, reset: GraphPlan["reset"]): unknown {
  const plain =
    typeof values === "object" && values !== null && !Array.isArray(values) && !isCommand(values);
  if (!plain || !Object.keys(values).some((key) => reset.has(key))) return values;
  return Object.fromEntries(Object.entries(values).filter(([key]) => !reset.has(key)));
}

/** Private state that begins an execution goes into the input checkpoint, past the user's schema. */
function injectInput(loop: LoopParameters["loop"], run: RunScope, reset: GraphPlan["reset"]): void {
  const { input } = loop;
  const plain = input !== null && input !== undefined && !isCommand(input) && !loop.isResuming;
  if (!plain || run.carried.size === 0) return;
  const updates = Object.fromEntries(channelUpdates(run.carried, run, reset));
  run.carried.clear();
  run.savedSequence = run.emitter.sequence();
  loop.input = { [START]: input, ...updates };
  anchorInput(loop, run);
  const tick = loop.tick.bind(loop);
  const inputKeys = [START, ...Object.keys(updates)];
  const first: typeof tick = async (parameters) => {
    if (loop.tick === first) loop.tick = tick;
    const more = await tick({ ...parameters, inputKeys });
    // The first tick has written the input checkpoint, and no node has run yet.
    anchorRun(run, loop.checkpoint.id);
    return more;
  };
  loop.tick = first;
}

type Run = (input: unknown, config: StreamOptions) => AsyncGenerator;

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

async function* rootRun(
  self: SeamBase,
  plan: SeamPlan,
  run: Run,
  input: unknown,
  options: StreamOptions,
): AsyncGenerator {
  const opened = await openRun(self, plan, input, options);
  const graph: GraphScope = {
    run: opened.run,
    parent: undefined,
    stack: plan.stack,
    channels: new Set(plan.reset.keys()),
  };
  const pipe = relay<unknown>();
  const gate = chunkGate((chunk) => void pipe.push(chunk));
  const { attempts } = opened.run;
  const parent =
    attempts === undefined
      ? undefined
      : await openAttemptsRun(self, input, opened.request.config as StreamOptions);
  if (attempts !== undefined) attempts.parentRunId = parent?.id;
  let stopped: { readonly error: unknown } | undefined;
  const attempt = async (request: RunRequest): Promise<RunOutcome> => {
    stopped = undefined;
    opened.run.ending = undefined;
    await opened.begin();
    const { runId, ...config } = request.config as StreamOptions;
    const own =
      parent === undefined ? { ...config, runId } : { ...config, callbacks: parent.callbacks() };
    try {
      // Every step of the generator, and all that a step starts, sees the scope.
      await withScope({ graph }, async () => {
        // Not awaited: a consumer that leaves stops asking, and the run still has to end here.
        for await (const chunk of run(request.input, readOnce(own, opened.read))) gate.push(chunk);
      });
    } catch (error) {
      if (!isGraphBubbleUp(error)) return { status: "failed", error };
      // A drained graph stops between two steps and can go on; its caller is told by this error.
      stopped = { error };
      return { status: "interrupted" };
    }
    if (opened.run.superseded) return { status: "superseded" };
    if (attempts !== undefined && ended(opened.run) === "completed") {
      return { status: "completed", output: opened.run.output };
    }
    return { status: ended(opened.run) ?? "interrupted" };
  };
  const settled = runThrough(plan, opened, gate, attempt)
    .finally(() => gate.release())
    .then(
      async (outcome) => {
        await endAttempts(opened.run, parent, outcome);
        return outcome;
      },
      async (error: unknown) => {
        await endAttempts(opened.run, parent, { status: "failed", error });
        throw error;
      },
    )
    .then(
      (outcome) =>
        pipe.close(
          outcome.status === "failed"
            ? { error: outcome.error }
            : outcome.status === "interrupted"
              ? stopped
              : undefined,
        ),
      (error: unknown) => pipe.close({ error }),
    );
  try {
    yield* pipe.chunks();
  } finally {
    await settled;
    await opened.close();
  }
}

// Read through a function: the loop sets it while the attempt waits.
function ended({ ending }: RunScope): RunScope["ending"] {
  return ending;
}

/** Last words of a run that may have had several attempts, and the end of the run around them. */
async function endAttempts(
  run: RunScope,
  parent: AttemptsRun | undefined,
  outcome: RunOutcome,
): Promise<void> {
  if (run.attempts === undefined) return;
  // What was decided after the last attempt's end, as that its answer does not do, is an outcome too.
  if (outcome.status !== run.told) await beforeEnd(run, outcome);
  if (outcome.status === "failed") await parent?.fail(outcome.error);
  else await parent?.end(run.output);
}

/** Runs the stack's `wrapRun` hooks around the attempt, first in the array outermost. */
async function runThrough(
  plan: SeamPlan,
  opened: OpenedRun,
  chunks: RunRequest["chunks"],
  attempt: (request: RunRequest) => Promise<RunOutcome>,
): Promise<RunOutcome> {
  const { run, request, held } = opened;
  const announce = (outcome: RunOutcome): RunOutcome => {
    announceOutcome(run, outcome);
    return outcome;
  };
  const layers = plan.stack.flatMap(({ name, definition }) => {
    if (definition?.wrapRun === undefined) return [];
    const context = runContext(definition, currentMode(definition), run, held);
    return [
      {
        name,
        retries: true,
        hook: (next: RunRequest, handler: (request: RunRequest) => Promise<RunOutcome>) =>
          runRunHook(definition, next, handler, context),
      },
    ];
  });
  return announce(await compose(layers, attempt)({ ...request, chunks }));
}

function announceOutcome(run: RunScope, outcome: RunOutcome): void {
  if (outcome.status !== "failed") return;
  const { error } = outcome;
  run.emitter.emit(
    "core",
    "execution-failed",
    { node: null },
    {
      severity: "high",
      detail: {
        error: error instanceof Error ? error.name : typeof error,
        ...(EvenkeelError.isInstance(error) ? { code: error.code } : {}),
      },
    },
  );
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
