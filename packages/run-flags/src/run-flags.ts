import { defineMiddleware } from "@evenkeel/core";
import type {
  Handler,
  Middleware,
  ModelRequest,
  ModelResult,
  RunOutcome,
  RunRequest,
  ToolCallRequest,
  ToolResult,
} from "@evenkeel/core";
import { isGraphBubbleUp } from "@langchain/langgraph";

import { deliveryOf } from "./end/delivery.ts";
import { runEnding } from "./end/run-ending.ts";
import type { EndParts } from "./end/run-ending.ts";
import { costOf } from "./gather/call-price.ts";
import { countCall } from "./gather/call-sums.ts";
import { gatherRun } from "./gather/gathered-run.ts";
import type { GatheredRun } from "./gather/gathered-run.ts";
import { tokensOf } from "./gather/message-parts.ts";
import { eventSums, takeEvent } from "./gather/run-events.ts";
import { recordKeeper } from "./keep/record-keeper.ts";
import { runBaselines } from "./keep/run-baselines.ts";
import { assertOptions } from "./options.ts";
import type { FlagContext, FlagOptions, RunFlagsMiddlewareOptions } from "./options.ts";
import { createOutbox } from "./review/outbox.ts";
import { reviewersOf } from "./review/reviewers.ts";

/** The private channel that carries what no message tells from one process to the next. */
const CHANNEL = "_runFlags";

/** How long the end of a run waits for its record to be written. */
const RECORD_WAIT_MS = 1_000;

/** The middleware, and how to wait for what it sends in the background. */
export interface RunFlagsMiddleware extends Middleware {
  /** Waits until records, reviews and routes are through; call it before the process exits. */
  flush(): Promise<void>;
}

/**
 * Judges every execution when it ends: its record is kept, the rules look at it, and a suspicious
 * one is tagged, sent to review and routed on. It changes nothing of the run.
 *
 * Error behavior: bad options throw `invalid-options` here; a rule, store, route or LangSmith that
 * fails is reported and never fails or delays a run. Output: none. State: `_runFlags`, private.
 * When it fires: around each call, and when the run ends, before its trace does.
 *
 * @example
 * ```ts
 * const flags = runFlagsMiddleware({ store: evenkeelPostgres(pool), routes: [{ to: "console" }] });
 * const agent = withMiddleware(graph, [flags]);
 * await flags.flush();
 * ```
 */
export function runFlagsMiddleware(options: RunFlagsMiddlewareOptions = {}): RunFlagsMiddleware {
  assertOptions(options);
  const { name = "runFlagsMiddleware", mode, rules = {}, store, langsmith, routes } = options;
  const { severity = "high", sampleGood = 0, baseline = {}, price, onError } = options;
  const report = (error: unknown): void => {
    try {
      onError?.(error);
    } catch {
      // Whoever hears of failures has no say in the run either.
    }
  };
  const keeper = recordKeeper(store, report);
  const reviewers = reviewersOf({ langsmith, routes }, createOutbox({ onError: report }));
  const delivery = deliveryOf(keeper, reviewers);
  const parts: EndParts = {
    rules: rules.add ?? [],
    baselines: baseline === false ? undefined : runBaselines(store, baseline, Date.now),
    stored: store !== undefined,
    keeper,
    delivery,
  };

  async function recordRun(
    request: RunRequest,
    handler: Handler<RunRequest, RunOutcome>,
    context: FlagContext,
  ): Promise<RunOutcome> {
    const { memory, state, execution } = context;
    const held = state.read(CHANNEL);
    const run = gatherRun((reply) => costOf(reply, price, report));
    if (!execution.isNew) run.resumed(request.messages);
    memory.set("gathered", run);
    const ending = runEnding(request, context, parts, held);
    // Where nothing happened that messages do not tell, nothing is written: state costs statements.
    if (ending.resumes > 0) state.write(CHANNEL, { resumes: ending.resumes });
    let events = eventSums(held["events"]);
    request.onEvent((event) => {
      if (event.by === name) return;
      if (event.name === "attempt-started") run.again(event.detail["restart"]);
      events = takeEvent(events, event);
      memory.set("events", events);
      state.write(CHANNEL, { events });
    });
    ending.begin();
    request.beforeEnd((outcome, root, messages) => {
      run.settle(messages);
      if (!execution.isNew) run.left(messages);
      return ending.attempted(outcome, root);
    });
    try {
      const outcome = await handler(request);
      await ending.end(outcome);
      return outcome;
    } catch (error) {
      await ending.end({ status: "failed", error });
      throw error;
    } finally {
      await keeper.settled(execution.id, RECORD_WAIT_MS);
    }
  }

  async function gatherModelCall(
    request: ModelRequest,
    handler: Handler<ModelRequest, ModelResult>,
    context: FlagContext,
  ): Promise<ModelResult> {
    const run = gathered(context);
    run?.asked(request, context.callSite ?? "");
    const result = await handler(request);
    run?.replied(result);
    const { input, output } = tokensOf(result as object) ?? { input: 0, output: 0 };
    countCall(context, {
      modelCalls: 1,
      inputTokens: input,
      outputTokens: output,
      costUsd: costOf(result, price, report),
    });
    return result;
  }

  async function gatherToolCall(
    request: ToolCallRequest,
    handler: Handler<ToolCallRequest, ToolResult>,
    context: FlagContext,
  ): Promise<ToolResult> {
    const run = gathered(context);
    try {
      const result = await handler(request);
      run?.answered(request, result);
      const failed = (result as { status?: unknown }).status === "error";
      countCall(context, { toolCalls: 1, failedCalls: failed ? 1 : 0 });
      return result;
    } catch (error) {
      if (isGraphBubbleUp(error)) throw error;
      run?.threw(request, error);
      countCall(context, { toolCalls: 1, failedCalls: 1 });
      throw error;
    }
  }

  const middleware = defineMiddleware<FlagOptions>({
    name,
    mode,
    outsideOf: {
      failureRetryMiddleware: "an execution is judged by its last attempt, not by each of them",
      toolIdempotencyMiddleware: "a run that is refused for another worker's lease is recorded too",
    },
    options: {
      severity,
      sampleGood,
      without: rules.without ?? [],
      limits: rules.limits ?? {},
    },
    needs: { run: true },
    state: { [CHANNEL]: {} },
    wrapRun: recordRun,
    wrapModelCall: gatherModelCall,
    wrapToolCall: gatherToolCall,
  });
  return Object.assign(middleware, {
    flush: async () => {
      await keeper.flush();
      await delivery.flush();
      await keeper.flush();
    },
  });
}

function gathered({ memory }: FlagContext): GatheredRun | undefined {
  return memory.get("gathered") as GatheredRun | undefined;
}
