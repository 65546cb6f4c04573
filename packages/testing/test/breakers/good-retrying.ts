import { setTimeout as sleep } from "node:timers/promises";

import { defineMiddleware } from "@evenkeel/core";
import type { Handler, HookRuntime, Middleware } from "@evenkeel/core";
import { ToolInputParsingException } from "@langchain/core/tools";
import { isGraphBubbleUp } from "@langchain/langgraph";

import type { ConformanceOptions } from "../../src/conformance/options.ts";

const ATTEMPTS = 3;

/** Keeps every law and tries again: what failed, after a pause that hears the signal. */
function patienceMiddleware(): Middleware {
  return defineMiddleware({
    name: "patienceMiddleware",
    options: { attempts: ATTEMPTS },
    retries: true,
    wrapModelCall: tryAgain,
    wrapToolCall: tryAgain,
  });
}

async function tryAgain<Request extends { runtime: HookRuntime }, Result>(
  request: Request,
  handler: Handler<Request, Result>,
): Promise<Result> {
  const { signal } = request.runtime;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await handler(request);
    } catch (error) {
      if (isGraphBubbleUp(error) || signal?.aborted || isInvalidInput(error)) throw error;
      if (attempt === ATTEMPTS) throw error;
      await sleep(5, undefined, signal === undefined ? {} : { signal });
    }
  }
}

/** LangChain wraps the error of each layer; what went wrong is the last cause. */
function isInvalidInput(error: unknown): boolean {
  if (error instanceof ToolInputParsingException) return true;
  const { cause, toolError } = Object(error) as { cause?: unknown; toolError?: unknown };
  return [cause, toolError].some((inner) => inner !== undefined && isInvalidInput(inner));
}

/** The middleware and what it declares. */
export const patience: ConformanceOptions = {
  create: patienceMiddleware,
  capabilities: { retries: true, attempts: ATTEMPTS },
};
