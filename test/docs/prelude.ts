/** What code blocks of the documentation leave out: the reader's own graph, model, database. */
import type { AnyMiddleware } from "@evenkeel/core";
import type { ToolIdempotencyOptions } from "@evenkeel/tool-idempotency";
import type { StructuredToolInterface } from "@langchain/core/tools";
import type { CompiledStateGraph, MessagesAnnotation, StateGraph } from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import type { ChatOpenAI as OpenAI } from "@langchain/openai";
import type { Pool } from "pg";

declare global {
  const builder: StateGraph<typeof MessagesAnnotation.spec>;
  const graph: CompiledStateGraph<
    typeof MessagesAnnotation.State,
    typeof MessagesAnnotation.Update
  >;
  const agent: typeof graph;
  const model: OpenAI;
  const tools: StructuredToolInterface[];
  const stack: AnyMiddleware[];
  const checkpointer: BaseCheckpointSaver;
  const pool: Pool;
  const input: { messages: { role: "user"; content: string }[] };
  const config: { configurable: { thread_id: string } };
  const thread_id: string;
  const lookupOrder: StructuredToolInterface;
  const refund: StructuredToolInterface;
  const refundLimitMiddleware: () => AnyMiddleware;
  const timingMiddleware: () => AnyMiddleware;
  const reconcile: Exclude<
    NonNullable<ToolIdempotencyOptions["tools"]>[string],
    string
  >["reconcile"];
  const ChatOpenAI: typeof OpenAI;
}
