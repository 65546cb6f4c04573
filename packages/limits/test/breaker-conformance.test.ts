import { conformance } from "@evenkeel/testing/vitest";
import { ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { z } from "zod";

import { circuitBreakerMiddleware } from "../src/index.ts";

const flaky = tool(
  (_input, { toolCall }: { toolCall?: { id?: string } }) =>
    new ToolMessage({
      name: "flaky",
      status: "error",
      content: "503 Service Unavailable",
      tool_call_id: toolCall?.id ?? "",
    }),
  { name: "flaky", description: "Fails", schema: z.object({}) },
) as StructuredToolInterface;
const call = (id: string): { id: string; name: string; args: object } => ({
  id,
  name: "flaky",
  args: {},
});

conformance({
  name: "circuitBreakerMiddleware",
  create: () => circuitBreakerMiddleware(),
  capabilities: {
    acts: {
      create: () => circuitBreakerMiddleware({ window: 1, minimumCalls: 1 }),
      input: "Try it twice.",
      tools: [flaky],
      turns: [
        { toolCalls: [call("call-1")] },
        { toolCalls: [call("call-2")] },
        { content: "It does not work." },
      ],
    },
  },
});
