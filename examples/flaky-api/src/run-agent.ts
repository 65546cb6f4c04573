import { withMiddleware, wrapModel } from "@evenkeel/core";
import { failureRetryMiddleware } from "@evenkeel/failure-retry";
import { HumanMessage } from "@langchain/core/messages";
import { MemorySaver } from "@langchain/langgraph";
import { ToolNode, createReactAgent } from "@langchain/langgraph/prebuilt";

import { listInvoices } from "./invoice-api.ts";
import { openModel } from "./model.ts";

/** Runs the agent with three attempts, told of what failed or not; returns what happened, line by line. */
export async function runAgent(told: boolean): Promise<string[]> {
  const lines: string[] = [];
  const opened = await openModel();
  const agent = withMiddleware(
    createReactAgent({
      llm: wrapModel(opened.model),
      tools: new ToolNode([listInvoices()], { handleToolErrors: false }),
      checkpointer: new MemorySaver(),
    }),
    [
      failureRetryMiddleware({
        initialInterval: 0,
        ...(told ? {} : { context: false }),
      }),
    ],
    {
      onEvent: ({ name, attempt }) => {
        if (name.startsWith("attempt-")) lines.push(`${name} ${attempt}`);
      },
    },
  );
  const watch = {
    handleToolStart: (_tool: unknown, input: string) => void lines.push(`  list_invoices ${input}`),
    handleToolError: (error: Error) => void lines.push(`  ${error.message}`),
  };
  try {
    const { messages } = await agent.invoke(
      { messages: [new HumanMessage("What do our newest invoices come to?")] },
      { configurable: { thread_id: told ? "told" : "blind" }, callbacks: [watch] },
    );
    lines.push(messages.at(-1)?.text ?? "");
  } catch (error) {
    lines.push(`gave up: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await opened.close();
  }
  return lines;
}
