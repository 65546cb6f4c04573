import { defineMiddleware } from "@evenkeel/core";
import type { Middleware } from "@evenkeel/core";

/** A middleware that does nothing on every seam and keeps a private note of each call. */
export function bystander(): Middleware {
  return defineMiddleware({
    name: "bystanderMiddleware",
    options: {},
    state: { _bystander: {} },
    wrapRun: (request, handler) => handler(request),
    wrapModelCall: (request, handler, { state, callSite }) => {
      state.write("_bystander", { [`${callSite}:${request.messages.length}`]: true });
      return handler({ ...request });
    },
    wrapToolCall: (request, handler, { state }) => {
      state.write("_bystander", { [request.toolCall.id ?? "tool"]: true });
      return handler({ ...request });
    },
  });
}
