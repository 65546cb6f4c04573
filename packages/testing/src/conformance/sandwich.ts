import { AsyncLocalStorage } from "node:async_hooks";

import { defineMiddleware } from "@evenkeel/core";
import type {
  AnyMiddleware,
  Handler,
  Middleware,
  ModelRequest,
  ModelResult,
  RunOutcome,
  RunRequest,
  ToolCallRequest,
  ToolResult,
} from "@evenkeel/core";

/** Which of the three seams a call passed. */
export type Seam = "run" | "model" | "tool";

/** One call as it left a middleware, or as it came to it. */
interface SeamCall {
  readonly seam: Seam;
  readonly request: unknown;
  result?: unknown;
  error?: unknown;
  state: "running" | "returned" | "threw";
}

/** One call as it came to the middleware under test, with every call it made of it. */
export interface WatchedCall extends SeamCall {
  readonly inner: SeamCall[];
  /** How many of the inner calls were still running when the middleware was done. */
  unfinished: number;
}

/** What a law does to the calls around the middleware under test. */
export interface Interference {
  /** Changes what the middleware gets. */
  enter?(seam: Seam, request: unknown): unknown;
  /** Stands in for what the middleware calls. */
  call?(seam: Seam, request: unknown, handler: Handler<unknown, unknown>): Promise<unknown>;
  /** Changes what the run gets of the middleware. */
  leave?(seam: Seam, result: unknown): unknown;
}

/** A middleware between two watchers. */
export interface Sandwich {
  readonly stack: readonly AnyMiddleware[];
  readonly calls: readonly WatchedCall[];
}

/** Puts a middleware between two watchers, so that what it gets and what it does is seen. */
export function sandwich(subject: AnyMiddleware, interference: Interference = {}): Sandwich {
  const calls: WatchedCall[] = [];
  const current = new AsyncLocalStorage<WatchedCall>();
  const outer = watcher("conformanceOuterMiddleware", async (seam, request, handler) => {
    const given = interference.enter?.(seam, request) ?? request;
    const watched: WatchedCall = {
      seam,
      request: given,
      state: "running",
      inner: [],
      unfinished: 0,
    };
    calls.push(watched);
    const result = await settle(watched, () => current.run(watched, () => handler(given)));
    return interference.leave?.(seam, result) ?? result;
  });
  const inner = watcher("conformanceInnerMiddleware", async (seam, request, handler) => {
    const call: SeamCall = { seam, request, state: "running" };
    current.getStore()?.inner.push(call);
    return settle(call, async () =>
      interference.call === undefined
        ? handler(request)
        : interference.call(seam, request, handler),
    );
  });
  return { stack: [outer, subject, inner], calls };
}

async function settle(
  call: SeamCall | WatchedCall,
  work: () => Promise<unknown>,
): Promise<unknown> {
  const end = (state: SeamCall["state"]): void => {
    call.state = state;
    if ("inner" in call) {
      call.unfinished = call.inner.filter((inner) => inner.state === "running").length;
    }
  };
  try {
    call.result = await work();
  } catch (error) {
    call.error = error;
    end("threw");
    throw error;
  }
  end("returned");
  return call.result;
}

type Watch = (seam: Seam, request: unknown, handler: Handler<unknown, unknown>) => Promise<unknown>;

function watcher(name: string, watch: Watch): Middleware {
  const hook =
    <Request, Result>(seam: Seam) =>
    (request: Request, handler: Handler<Request, Result>): Promise<Result> =>
      watch(seam, request, handler as Handler<unknown, unknown>) as Promise<Result>;
  return defineMiddleware({
    name,
    options: {},
    // What the middleware between them may do is for the laws to say.
    retries: true,
    wrapRun: hook<RunRequest, RunOutcome>("run"),
    wrapModelCall: hook<ModelRequest, ModelResult>("model"),
    wrapToolCall: hook<ToolCallRequest, ToolResult>("tool"),
  });
}
