import { scriptedModel } from "@evenkeel/testing";
import type { ScriptedModel, ScriptedTurn } from "@evenkeel/testing";
import { AIMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { z } from "zod";

/** What a seeker does with one turn. */
export interface SeekerOptions {
  /** Calls a turn. @default 1 */
  readonly callsPerTurn?: number;
  /** Turns with calls before it answers by itself. @default never */
  readonly turns?: number;
  /** @default 60 and 40 tokens a call */
  readonly usage?: { promptTokens: number; completionTokens: number };
  readonly tool?: string;
}

type Turn = Extract<ScriptedTurn, (...values: never[]) => unknown>;

/** A model that calls its tool for as long as it has one, and answers once it has none. */
export function seeker(options: SeekerOptions = {}): ScriptedModel {
  return scriptedModel(seekerTurn(options));
}

/** The turn of a seeker, for tests that change it. */
function seekerTurn(options: SeekerOptions = {}): Turn {
  const { callsPerTurn = 1, turns = Infinity, tool: name = "look_up" } = options;
  const { usage = { promptTokens: 60, completionTokens: 40 } } = options;
  return ({ messages, parameters }) => {
    const turn = messages.filter((message) => AIMessage.isInstance(message)).length;
    const tools = (parameters["tools"] ?? []) as { function: { name: string } }[];
    const offered = tools.some((one) => one.function.name === name);
    if (!offered || turn >= turns) return { content: `answered after ${turn} turns`, usage };
    const toolCalls = Array.from({ length: callsPerTurn }, (_, index) => ({
      id: `call-${turn}-${index}`,
      name,
      args: { item: `${turn}-${index}` },
    }));
    return { toolCalls, usage };
  };
}

/**
 * A tool that answers, and a count of how often it did. With `reports` it answers with its failures
 * instead of throwing them, which createAgent makes fatal where there is any `wrapToolCall`.
 */
export function lookUp(
  answer: (item: string) => string | Promise<string> = (item) => `${item} is on the shelf`,
  { name = "look_up", reports = false } = {},
): { tool: StructuredToolInterface; calls: string[] } {
  const calls: string[] = [];
  const made = tool(
    async ({ item }, runtime: { toolCall?: { id?: string } }) => {
      calls.push(item);
      if (!reports) return answer(item);
      try {
        return await answer(item);
      } catch (error) {
        const content = error instanceof Error ? error.message : String(error);
        const id = runtime.toolCall?.id ?? "";
        return new ToolMessage({ status: "error", name, content, tool_call_id: id });
      }
    },
    { name, description: "Looks an item up", schema: z.object({ item: z.string() }) },
  );
  return { tool: made as StructuredToolInterface, calls };
}

/** What a user asks. */
export function ask(text = "Where is it?"): { messages: BaseMessage[] } {
  return { messages: [new HumanMessage(text)] };
}

/** Tool calls of a result that have no answer, or more than one; a provider refuses such a history. */
export function dangling(result: Record<string, unknown>): string[] {
  const messages = result["messages"] as BaseMessage[];
  const asked = messages.flatMap((message) =>
    AIMessage.isInstance(message) ? (message.tool_calls ?? []).map(({ id }) => id ?? "") : [],
  );
  const answers = messages
    .filter((message) => message.type === "tool")
    .map((message) => (message as ToolMessage).tool_call_id);
  return asked.filter((id) => answers.filter((answer) => answer === id).length !== 1);
}

/** The text a result ends with. */
export function lastText(result: Record<string, unknown>): string {
  return (result["messages"] as BaseMessage[]).at(-1)?.text ?? "";
}
