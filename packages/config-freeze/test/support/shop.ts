import type { ChatTurn } from "@evenkeel/testing";
import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { interrupt } from "@langchain/langgraph";
import { ChatOpenAI } from "@langchain/openai";
import { z } from "zod";

/** One version of the code: what a deploy changes. */
export interface Release {
  readonly prompt: string;
  readonly model: string;
  readonly temperature: number;
  readonly tools: readonly ("approve" | "refund" | "cancel")[];
  readonly refundArgument: string;
}

/** What was approved. */
export const monday: Release = {
  prompt: "You are kind.",
  model: "gpt-5.2",
  temperature: 0.1,
  tools: ["approve", "refund"],
  refundArgument: "amount",
};

/** What is deployed while the execution waits. */
export const tuesday: Release = {
  prompt: "You are strict.",
  model: "gpt-4.1",
  temperature: 0.9,
  tools: ["approve", "cancel"],
  refundArgument: "amount",
};

/** An agent that asks for approval, refunds, and says so. */
export const REFUND_TURNS: readonly ChatTurn[] = [
  { toolCalls: [{ name: "approve", args: { order: "A1" } }] },
  { toolCalls: [{ name: "refund", args: { amount: 5 } }] },
  { content: "done" },
];

/** The tools of a release. */
export function toolsOf(release: Release): StructuredToolInterface[] {
  const all = {
    approve: tool(({ order }: { order: string }) => String(interrupt(`approve ${order}?`)), {
      name: "approve",
      description: "Asks a person.",
      schema: z.object({ order: z.string() }),
    }),
    refund: tool((input: Record<string, unknown>) => `refunded ${JSON.stringify(input)}`, {
      name: "refund",
      description: "Pays back.",
      schema: z.object({ [release.refundArgument]: z.number() }),
    }),
    cancel: tool(() => "cancelled", {
      name: "cancel",
      description: "Cancels.",
      schema: z.object({}),
    }),
  };
  return release.tools.map((name) => all[name]);
}

/** The key that no manifest may hold. */
export const LIVE_KEY = "key-of-the-live-process";

/** The model of a release, over the wire. */
export function modelOf(
  { model, temperature }: Pick<Release, "model" | "temperature">,
  url: string,
  fields: Record<string, unknown> = {},
): ChatOpenAI {
  return new ChatOpenAI({
    model,
    temperature,
    apiKey: LIVE_KEY,
    configuration: { baseURL: url },
    maxRetries: 0,
    ...fields,
  });
}
