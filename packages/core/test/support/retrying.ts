import { defineMiddleware } from "../../src/index.ts";
import type { Middleware, Restart, RunOutcome, RunRequest } from "../../src/index.ts";

/** What a middleware that asks for further attempts saw of them. */
export interface Retrying {
  readonly middleware: Middleware;
  /** What each attempt came to, in this process. */
  readonly outcomes: RunOutcome[];
  readonly requests: RunRequest[];
  /** Private entries as the hooks of calls read them, one per call. */
  readonly read: unknown[];
}

/** A middleware that begins again where it is told, and keeps what each attempt failed with. */
export function retrying(
  restart: Restart,
  fails: (outcome: RunOutcome, attempt: number) => boolean = ({ status }) => status === "failed",
  maxAttempts = 3,
): Retrying {
  const seen: Retrying = {
    outcomes: [],
    requests: [],
    read: [],
    middleware: defineMiddleware({
      name: "retrying",
      options: {},
      attempts: true,
      retries: true,
      needs: { durability: "sync" },
      state: { _retrying: {} },
      async wrapRun(request, handler, context) {
        let next = request;
        for (;;) {
          seen.requests.push(next);
          const outcome = await handler(next);
          seen.outcomes.push(outcome);
          const { attempt } = context.execution;
          if (attempt >= maxAttempts || !fails(outcome, attempt)) return outcome;
          const cause = outcome.status === "failed" ? outcome.error : new Error("rejected");
          next = await next.nextAttempt({ restart, cause, failure: "unknown" });
          context.state.write("_retrying", { [`attempt ${attempt}`]: String(cause) });
        }
      },
      async wrapModelCall(request, handler, { state }) {
        seen.read.push(state.read("_retrying"));
        return handler(request);
      },
      async wrapToolCall(request, handler, { state }) {
        state.write("_retrying", { [request.toolCall.id ?? ""]: request.toolCall.name });
        return handler(request);
      },
    }),
  };
  return seen;
}
