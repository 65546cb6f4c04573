import { isGraphBubbleUp } from "@langchain/langgraph";

import { compose } from "../compose.ts";
import { runRunHook } from "../define-middleware.ts";
import { EvenkeelError } from "../errors.ts";
import type { SeamBase, StreamOptions } from "../graph/compiled-graph.ts";
import type { SeamPlan } from "../graph/seam-plan.ts";
import type { RunOutcome, RunRequest } from "../middleware.ts";
import { currentMode } from "../mode.ts";
import { openAttemptsRun } from "../trace/attempts-run.ts";
import type { AttemptsRun } from "../trace/attempts-run.ts";
import { rootFacts } from "../trace/live-root.ts";
import { chunkGate } from "./chunk-gate.ts";
import { chunkQueue } from "./chunk-queue.ts";
import { allGates, eventGate } from "./event-gate.ts";
import { runContext } from "./hook-context.ts";
import { openRun } from "./open-run.ts";
import type { OpenedRun } from "./open-run.ts";
import { readOnce } from "./read-once.ts";
import { withScope } from "./scope.ts";
import type { GraphScope, RunScope } from "./scope.ts";

/** Runs LangGraph's own loop over an input. */
export type Run = (input: unknown, config: StreamOptions) => AsyncGenerator;

/** The run of an outermost graph: its hooks around its attempts, its chunks as they come. */
export async function* rootRun(
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
  const queue = chunkQueue<unknown>();
  const chunks = chunkGate((chunk) => void queue.put(chunk));
  const { attempts } = opened.run;
  const parent =
    attempts === undefined
      ? undefined
      : await openAttemptsRun(self, input, opened.request.config as StreamOptions);
  if (attempts !== undefined) attempts.parentRunId = parent?.id;
  const gate = allGates(chunks, eventGate(parent?.handlers ?? [], opened.run.execution.id));
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
        for await (const chunk of run(request.input, readOnce(own, opened.read)))
          chunks.push(chunk);
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
        queue.close(
          outcome.status === "failed"
            ? { error: outcome.error }
            : outcome.status === "interrupted"
              ? stopped
              : undefined,
        ),
      (error: unknown) => queue.close({ error }),
    );
  try {
    while (await queue.more()) yield queue.take();
  } finally {
    queue.leave();
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

/** Last words of a run, while its trace is open; none of them can fail it. */
export async function beforeEnd(run: RunScope, outcome: RunOutcome): Promise<void> {
  run.told = outcome.status;
  for (const listener of run.beforeEnd) {
    try {
      await listener(outcome, rootFacts(run), run.messages);
    } catch {
      // A listener reports; the run has its outcome.
    }
  }
}
