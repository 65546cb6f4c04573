import { defineMiddleware } from "@evenkeel/core";
import type { Middleware } from "@evenkeel/core";
import { tool } from "@langchain/core/tools";

const whereabouts = tool(() => "nowhere in particular", {
  name: "whereabouts",
  description: "Says where the run has been",
  schema: { type: "object", properties: {} },
});

/** Keeps every law and never acts: it notes where it was, and brings a tool nobody calls. */
export function quietMiddleware(): Middleware {
  return defineMiddleware({
    name: "quietMiddleware",
    options: {},
    state: { _quiet: {} },
    tools: [whereabouts],
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
