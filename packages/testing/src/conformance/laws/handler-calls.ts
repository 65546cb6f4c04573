import { EvenkeelError, isEvenkeelMiddleware } from "@evenkeel/core";
import type { AnyMiddleware, RunOutcome, ToolCallRequest } from "@evenkeel/core";
import { ToolMessage } from "@langchain/core/messages";

import { turns } from "../living-timers.ts";
import { play } from "../play.ts";
import { sandwich } from "../sandwich.ts";
import type { Seam, WatchedCall } from "../sandwich.ts";
import { Broken, describe, everywhere } from "./law.ts";
import type { Law, LawContext } from "./law.ts";

type Failure = (request: unknown) => unknown;
interface Trouble {
  readonly what: string;
  readonly seam: Seam | undefined;
  readonly fail: Failure;
}

const unreachable = (): never => {
  throw new Error("503: the service is not reachable");
};
const troubles: readonly Trouble[] = [
  { what: "every call succeeds", seam: undefined, fail: unreachable },
  { what: "a model call fails", seam: "model", fail: unreachable },
  { what: "a tool call throws", seam: "tool", fail: unreachable },
  {
    what: "a tool call answers with an error",
    seam: "tool",
    fail: (request) => {
      const { name, id = "" } = (request as ToolCallRequest).toolCall;
      return new ToolMessage({ name, tool_call_id: id, status: "error", content: "503" });
    },
  },
  {
    what: "the run fails",
    seam: "run",
    fail: (): RunOutcome => ({ status: "failed", error: new Error("503") }),
  },
];

/** Law 4. */
export const handlerCalls: Law = {
  law: 4,
  title: "handler called at most once unless `retries` is declared",
  fix: "call the handler once on every path. A middleware that tries again declares `retries: true` in its definition and tells the kit `capabilities: { retries: true, attempts }`, and stops there.",
  check: (context) =>
    everywhere(context, context.subjects, async ({ kind, subject, stage }) => {
      for (const { what, seam: failing, fail } of troubles) {
        const middleware = subject.create();
        const allowed = failing === undefined ? 1 : allowedCalls(middleware, context);
        let failures = 0;
        const { stack, calls } = sandwich(middleware, {
          call: async (seam, request, handler) => {
            // Whatever never gives up must be let go, or there would be no verdict.
            if (seam !== failing || failures > allowed * 10) return handler(request);
            failures += 1;
            return fail(request);
          },
        });
        await play({ kind, stage: await stage(), situation: subject.situation, stack });
        for (const call of calls) assertCalls(call, allowed, what);
      }
    }),
};

function allowedCalls(
  middleware: AnyMiddleware,
  { capabilities: { retries, attempts = 3 } }: LawContext,
): number {
  const declared = isEvenkeelMiddleware(middleware)
    ? middleware["~evenkeel"].definition.retries === true
    : retries === true;
  return declared && retries === true ? attempts : 1;
}

function assertCalls(call: WatchedCall, allowed: number, what: string): void {
  const { seam, inner, error } = call;
  const guarded = EvenkeelError.isInstance(rootOf(error), "handler-called-twice");
  if (inner.length <= allowed && !guarded) return;
  const count = guarded ? "more than once" : `${inner.length} times, ${allowed} allowed`;
  throw new Broken(`where ${what}, the handler of a ${seam} call was called ${count}.`, {
    cause: error,
  });
}

/** LangChain wraps what leaves a layer; the error itself is the last cause. */
function rootOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? rootOf(error.cause) : error;
}

/** Law 5. */
export const handlerAwaited: Law = {
  law: 5,
  title: "handler awaited",
  fix: "`await` the handler or return its promise; whatever has to wait for the call belongs behind that `await`.",
  check: (context) =>
    everywhere(context, context.subjects, async ({ kind, subject, stage }) => {
      const { stack, calls } = sandwich(subject.create(), {
        call: async (_seam, request, handler) => {
          await turns(3);
          return handler(request);
        },
      });
      await play({ kind, stage: await stage(), situation: subject.situation, stack });
      const early = calls.find(({ unfinished }) => unfinished > 0);
      if (early === undefined) return;
      const how = early.state === "threw" ? `ended with ${describe(early.error)}` : "returned";
      throw new Broken(`a ${early.seam} call ${how} while its handler was still at work.`);
    }),
};
