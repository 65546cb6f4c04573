import { defineMiddleware } from "@evenkeel/core";
import type { Middleware } from "@evenkeel/core";

import { assertOptions, assertOrder } from "./assert-options.ts";
import { LOOP_KINDS } from "./detectors/finding.ts";
import type { LoopKey } from "./fingerprint/call.ts";
import type { LoopDetectionMiddlewareOptions, LoopLive, LoopSettings } from "./options.ts";
import { CHANNEL } from "./run/conversation.ts";
import { detectInModelCall } from "./run/model-call.ts";
import { blockToolCall } from "./run/tool-call.ts";

/**
 * Ends loops: a model that repeats itself without learning anything is told so, then gets the earlier
 * result instead of the call, then is stopped. A result that changes is progress and starts over.
 *
 * Error behavior: bad options throw `invalid-options` here; a function among the options that throws
 * is reported and left out; with `exitBehavior: "error"` a loop that goes on fails the run with
 * `loop-detected`. Output: a message at the end of a request that is not kept in the state; answers
 * to blocked calls; at the end one answer without tools. State: `_loopDetection`, private. When it
 * fires: around each model call that follows a repetition, and each blocked tool call.
 *
 * @example
 * ```ts
 * const loops = loopDetectionMiddleware({ exempt: ["think"], identity: { read_file: ["path"] } });
 * const agent = withMiddleware(graph, [loops]);
 * ```
 */
export function loopDetectionMiddleware(options: LoopDetectionMiddlewareOptions = {}): Middleware {
  assertOptions(options);
  const { name = "loopDetectionMiddleware", mode, identity = {} } = options;
  const settings = settingsOf(options);
  const { steerAfter, blockAfter, stopAfter, exitBehavior } = settings;
  assertOrder({ steerAfter, blockAfter, stopAfter });
  return defineMiddleware<LoopSettings, LoopLive>({
    name,
    mode,
    outsideOf: {
      failureRetryMiddleware: "a call it blocks is not to be tried again",
      toolIdempotencyMiddleware: "a call it blocks is no effect",
    },
    options: settings,
    live: { name, loopKeys: functionsOf(identity), ...functionOptions(options) },
    needs: exitBehavior === "interrupt" && stopAfter !== false ? { checkpointer: true } : {},
    state: { [CHANNEL]: {} },
    wrapModelCall: detectInModelCall,
    wrapToolCall: blockToolCall,
  });
}

function settingsOf(options: LoopDetectionMiddlewareOptions): LoopSettings {
  const { identity = {}, exempt = [], poll = {}, detectors = {} } = options;
  const { window = 12, exitBehavior = "final-answer" } = options;
  const { steerAfter = 3 } = options;
  // A rung that is not named is never below the ones before it.
  const { blockAfter = Math.max(5, Number(steerAfter)) } = options;
  const { stopAfter = Math.max(8, Number(steerAfter), Number(blockAfter)) } = options;
  return {
    steerAfter,
    blockAfter,
    stopAfter,
    identity: listsOf(identity),
    exempt,
    poll: { tools: poll.tools ?? [], patience: poll.patience ?? 6 },
    off: LOOP_KINDS.filter((kind) => detectors[kind] === false),
    window,
    exitBehavior,
  };
}

type Identity = NonNullable<LoopDetectionMiddlewareOptions["identity"]>;

function functionsOf(identity: Identity): Record<string, LoopKey> {
  return Object.fromEntries(
    Object.entries(identity).filter(
      (entry): entry is [string, LoopKey] => typeof entry[1] === "function",
    ),
  );
}

function listsOf(identity: Identity): Record<string, readonly string[]> {
  return Object.fromEntries(
    Object.entries(identity).filter(
      (entry): entry is [string, readonly string[]] => typeof entry[1] !== "function",
    ),
  );
}

function functionOptions({
  normalizeResult,
  isProgress,
  message,
}: LoopDetectionMiddlewareOptions): Omit<LoopLive, "name" | "loopKeys"> {
  return {
    ...(normalizeResult === undefined ? {} : { normalizeResult }),
    ...(isProgress === undefined ? {} : { isProgress }),
    ...(message === undefined ? {} : { message }),
  };
}
