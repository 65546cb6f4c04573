import { defineMiddleware, toolAnswer } from "@evenkeel/core";
import type { Middleware } from "@evenkeel/core";

/** Answers a refund above `limit` in the tool's place, so that the model can offer less. */
export function refundLimitMiddleware({ limit = 100 } = {}): Middleware {
  return defineMiddleware({
    name: "refundLimitMiddleware",
    options: { limit },
    async wrapToolCall(request, handler, { options, emit }) {
      const { toolCall } = request;
      const amount = Number(toolCall.args["amount"] ?? 0);
      if (toolCall.name !== "refund" || amount <= options.limit) return handler(request);

      emit("custom-refund-refused", { severity: "medium", detail: { amount, ...options } });
      return toolAnswer({
        toolCall,
        envelope: {
          v: 1,
          code: "refund-above-limit",
          message: `Refunds end at ${options.limit}; ${amount} was asked.`,
          retryable: false,
          safeToReplay: true,
          by: "refundLimitMiddleware",
          details: { amount, ...options },
        },
      });
    },
  });
}
