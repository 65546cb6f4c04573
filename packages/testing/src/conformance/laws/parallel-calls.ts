import { AIMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";

import { play } from "../play.ts";
import { PARALLEL } from "../situation.ts";
import { Broken, assertCompleted, everywhere } from "./law.ts";
import type { Law } from "./law.ts";

/** Law 13. */
export const parallelCalls: Law = {
  law: 13,
  title: "parallel tool calls: every call answered, no InvalidUpdateError",
  fix: "answer a call you block with a ToolMessage of its `tool_call_id`, and write state through `context.state`, whose channels merge what parallel calls write; a LastValue channel takes one write a step.",
  check: (context) =>
    everywhere(context, context.subjects, async ({ kind, subject, stage }) => {
      const cast = { kind, stage: await stage(), situation: PARALLEL };
      const outcome = await play({ ...cast, stack: [subject.create()] });
      assertCompleted(outcome, "a turn of four parallel tool calls");
      const messages = outcome.values["messages"] as BaseMessage[];
      const asked = messages.flatMap((message) =>
        AIMessage.isInstance(message) ? (message.tool_calls ?? []).map(({ id }) => id) : [],
      );
      const answered = messages.flatMap((message) =>
        ToolMessage.isInstance(message) ? [message.tool_call_id] : [],
      );
      for (const id of asked) {
        const count = answered.filter((answer) => answer === id).length;
        if (count !== 1) throw new Broken(`tool call "${id}" has ${count} answers.`);
      }
      if (asked.length === 0) throw new Broken("no tool call is left in the messages.");
    }),
};
