import { wrapModel } from "@evenkeel/core";
import { AIMessage, HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface } from "@langchain/core/tools";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { END, MessagesAnnotation, START, Send, StateGraph } from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";

import { RecordedModel, RecordingOver } from "./recorded-model.ts";
import type { Recording, RecordedStep } from "./recording.ts";

type State = typeof MessagesAnnotation.State;

const anything = { type: "object", properties: {}, additionalProperties: true } as const;

/**
 * A graph that plays recorded runs, one after the other: the model says what it said, its tools
 * return what they returned, people say what they said, and it ends where the recording does. A run
 * that was cut off between a result and the next reply asks its model that once more, in vain.
 */
export function replayGraph(
  recording: () => Recording,
  toolNames: readonly string[],
  checkpointer?: BaseCheckpointSaver,
) {
  const tools = toolNames.map((toolName) => recordedTool(recording, toolName));
  const model = wrapModel(new RecordedModel(recording)).bindTools(tools);
  const stepAt = (messages: readonly BaseMessage[]): RecordedStep | undefined =>
    recording().steps[replies(messages)];

  const nextStep = ({ messages }: State): string => {
    const step = stepAt(messages);
    const asks = recording().failedWith !== undefined || messages.at(-1)?.type === "tool";
    if (step === undefined) return asks ? "agent" : END;
    return step.before.length === 0 ? "agent" : "user";
  };
  const afterReply = (state: State): string | Send[] => {
    // Asked in vain, the model added nothing to the answers it was asked with.
    if (state.messages.at(-1)?.type === "tool") return END;
    const calls = recording().steps[replies(state.messages) - 1]?.turn.calls ?? [];
    const answered = calls.filter(({ result }) => result !== undefined);
    if (answered.length === 0) return nextStep(state);
    if (answered.length === calls.length) return "tools";
    return answered.map(
      ({ id, tool: called, arguments: args }) =>
        new Send("tools", {
          ...state,
          lg_tool_call: { id, name: called, args, type: "tool_call" },
        }),
    );
  };
  return new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => {
      const { system } = recording();
      const leading = system === undefined ? [] : [new SystemMessage(system)];
      try {
        return { messages: [await model.invoke([...leading, ...messages])] };
      } catch (error) {
        if (error instanceof RecordingOver) return {};
        throw error;
      }
    })
    .addNode("tools", new ToolNode(tools))
    .addNode("user", ({ messages }) => ({ messages: said(stepAt(messages)) }))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", afterReply, ["agent", "tools", "user", END])
    .addConditionalEdges("tools", nextStep, ["agent", "user", END])
    .addEdge("user", "agent")
    .compile({ name: "replay", ...(checkpointer === undefined ? {} : { checkpointer }) });
}

/** What people said before the first reply. */
export function replayInput({ steps }: Recording): { messages: BaseMessage[] } {
  return { messages: said(steps[0]) };
}

function said(step: RecordedStep | undefined): HumanMessage[] {
  return (step?.before ?? []).map((content) => new HumanMessage(content));
}

function replies(messages: readonly BaseMessage[]): number {
  return messages.filter((message) => AIMessage.isInstance(message)).length;
}

/** A tool that returns again what it returned. */
export function recordedTool(recording: () => Recording, name: string): StructuredToolInterface {
  return tool(
    (_given: unknown, { toolCall }: { toolCall?: { id?: string } }) => {
      const call = recording().calls.get(toolCall?.id ?? "");
      return new ToolMessage({
        content: call?.result ?? "",
        status: call?.failed === true ? "error" : "success",
        tool_call_id: toolCall?.id ?? "",
        name,
      });
    },
    { name, description: name, schema: anything },
  );
}
