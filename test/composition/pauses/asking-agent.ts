import { wrapModel, wrapTools } from "@evenkeel/core";
import { AIMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import type { ToolCall } from "@langchain/core/messages/tool";
import { tool } from "@langchain/core/tools";
import { MessagesAnnotation, START, Send, StateGraph, interrupt } from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import type { ChatOpenAI } from "@langchain/openai";
import { createAgent, humanInTheLoopMiddleware } from "langchain";
import { z } from "zod";

/** Who asks a person: LangChain's middleware, tools of a StateGraph, or its nodes. */
export type Asker = "humanInTheLoop" | "tools" | "nodes";

/** What an agent is made of. */
export interface AskingParts {
  readonly model: ChatOpenAI;
  readonly checkpointer: BaseCheckpointSaver;
  pay(amount: number): Promise<unknown>;
}

/** Builds an agent that asks before it pays, as its user would have. */
export function askingAgent(asker: Asker, { model, checkpointer, pay }: AskingParts): object {
  const payer = tool(
    async ({ amount }: { amount: number }) => {
      if (asker === "tools") {
        const said = String(interrupt(`pay ${amount}?`));
        if (said !== "yes") return `not paid ${amount}: ${said}`;
      }
      await pay(amount);
      return `paid ${amount}`;
    },
    { name: "pay", description: "Pays.", schema: z.object({ amount: z.number() }) },
  );
  if (asker === "humanInTheLoop") {
    const people = humanInTheLoopMiddleware({ interruptOn: { pay: true } } as never);
    return createAgent({ model, tools: [payer], middleware: [people as never], checkpointer });
  }
  const bound = wrapModel(model).bindTools([payer]);
  const [wrapped] = wrapTools([payer]);
  // One task a call, so that each of them can wait for its own answer.
  const eachCall = ({ messages }: { messages: BaseMessage[] }): Send[] | "__end__" => {
    const last = messages.at(-1);
    const calls = AIMessage.isInstance(last) ? (last.tool_calls ?? []) : [];
    if (calls.length === 0) return "__end__";
    return calls.map((call) => new Send(asker, { lg_tool_call: call }));
  };
  return new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({ messages: [await bound.invoke(messages)] }))
    .addNode("tools", new ToolNode([payer]))
    .addNode("nodes", async (state) => {
      const { lg_tool_call: call } = state as unknown as { lg_tool_call: ToolCall };
      const said = String(interrupt(`pay ${String(call.args["amount"])}?`));
      if (said === "yes") return { messages: [await wrapped?.invoke(call as never)] };
      const answer = { content: `not paid: ${said}`, tool_call_id: call.id ?? "", name: "pay" };
      return { messages: [new ToolMessage(answer)] };
    })
    .addEdge(START, "agent")
    .addConditionalEdges("agent", eachCall, ["tools", "nodes", "__end__"])
    .addEdge("tools", "agent")
    .addEdge("nodes", "agent")
    .compile({ checkpointer });
}
