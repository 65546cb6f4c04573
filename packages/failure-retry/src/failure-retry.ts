import { defineMiddleware } from "@evenkeel/core";
import type { Middleware } from "@evenkeel/core";

import { assertOptions } from "./assert-options.ts";
import { runAttempts } from "./attempt/run-attempts.ts";
import { retryModelCall } from "./call/model-calls.ts";
import { retryToolCall } from "./call/tool-calls.ts";
import { CHANNEL } from "./options.ts";
import type { FailureRetryMiddlewareOptions, RetryLive, RetryOptions } from "./options.ts";

/**
 * Gives an execution further attempts, each told what the one before it failed with; repairs bad
 * calls inside an attempt; tries passing trouble of a single call again. All of it draws on the
 * run's one retry budget.
 *
 * Error behavior: bad options throw `invalid-options` here; where no attempt is left the run ends by
 * `exitBehavior`, with the error that was thrown, or a coded one where the answer was rejected, a
 * critical event came or the process died too often. Interrupts and aborts pass. Output: state and
 * result of the attempt that counts. State: `_failureRetry`, private. When it fires: around the run,
 * and around each model and tool call.
 *
 * @example
 * ```ts
 * const agent = withMiddleware(graph, [failureRetryMiddleware({ verify: ({ text }) => text !== "" })]);
 * ```
 */
export function failureRetryMiddleware(options: FailureRetryMiddlewareOptions = {}): Middleware {
  assertOptions(options);
  const { name = "failureRetryMiddleware", mode, verify, render, random = Math.random } = options;
  const decide = typeof options.retryOn === "function" ? options.retryOn : undefined;
  return defineMiddleware<RetryOptions, RetryLive>({
    name,
    mode,
    outsideOf: {
      budgetMiddleware: "each try is to be counted",
      circuitBreakerMiddleware: "each try is to be seen by the breaker",
      toolIdempotencyMiddleware: "a call that is tried again must pass the ledger each time",
    },
    options: frozen(options),
    live: {
      name,
      random,
      ...(decide === undefined ? {} : { decide }),
      ...(verify === undefined ? {} : { verify }),
      ...(render === undefined ? {} : { render }),
    },
    needs: { run: true, durability: "sync" },
    state: { [CHANNEL]: {} },
    retries: true,
    attempts: true,
    wrapRun: runAttempts,
    wrapModelCall: retryModelCall,
    wrapToolCall: retryToolCall,
  });
}

function frozen(options: FailureRetryMiddlewareOptions): RetryOptions {
  const { retryOn, context } = options;
  return {
    maxAttempts: options.maxAttempts ?? 3,
    retryOn: typeof retryOn === "function" ? "decision" : (retryOn ?? "recoverable"),
    restart: options.restart ?? "auto",
    holdFinal: options.holdFinal ?? false,
    context:
      context === false
        ? false
        : {
            maxResultChars: context?.maxResultChars ?? 500,
            maxTokens: context?.maxTokens ?? 2_000,
          },
    hookTimeoutMs: options.hookTimeoutMs ?? 30_000,
    initialInterval: options.initialInterval ?? 500,
    backoffFactor: options.backoffFactor ?? 2,
    maxInterval: options.maxInterval ?? 128_000,
    jitter: options.jitter ?? true,
    maxCallTries: options.maxCallTries ?? 3,
    repeatableTools: options.repeatableTools ?? [],
    effectTools: options.effectTools ?? [],
    maxResumes: options.maxResumes ?? 3,
    maxRepairs: options.maxRepairs ?? 3,
    exitBehavior: options.exitBehavior ?? "error",
    messagesKey: options.messagesKey ?? "messages",
  };
}
