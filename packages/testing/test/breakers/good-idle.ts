import { defineMiddleware } from "@evenkeel/core";
import type { Middleware } from "@evenkeel/core";

/** Keeps every law and never acts: it notes where it was. */
export function quietMiddleware(): Middleware {
  return defineMiddleware({
    name: "quietMiddleware",
    options: {},
    state: { _quiet: {} },
    wrapRun: (request, handler) => handler(request),
    wrapModelCall: (request, handler, { state, callSite }) => {
      state.write("_quiet", { [`${callSite}:${request.messages.length}`]: 1 });
      return handler(request);
    },
    wrapToolCall: (request, handler, { state }) => {
      state.write("_quiet", { [request.toolCall.id ?? ""]: 1 });
      return handler(request);
    },
  });
}
