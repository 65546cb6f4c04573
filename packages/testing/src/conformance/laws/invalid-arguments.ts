import type { ToolCallRequest } from "@evenkeel/core";
import { ToolMessage } from "@langchain/core/messages";

import { bystander } from "../bystander.ts";
import { firstDifference, normalForm } from "../normal-form.ts";
import { play } from "../play.ts";
import { sandwich } from "../sandwich.ts";
import { INVALID_ARGUMENTS } from "../situation.ts";
import { Broken, assertCompleted, everywhere } from "./law.ts";
import type { Law } from "./law.ts";

/** Law 14. */
export const invalidArguments: Law = {
  law: 14,
  title: "invalid tool arguments stay recoverable",
  fix: "do not read arguments as if they were valid, do not retry a validation error, and rethrow the error you caught: the tool node turns it into the ToolMessage from which the model corrects itself.",
  check: (context) =>
    everywhere(context, [context.idle], async ({ kind, subject, stage }) => {
      const situation = INVALID_ARGUMENTS;
      // LangChain words errors otherwise where any wrapToolCall is there at all.
      const without = sandwich(bystander());
      const { stack, calls } = sandwich(subject.create());
      const known = await play({ kind, stage: await stage(), situation, stack: without.stack });
      const outcome = await play({ kind, stage: await stage(), situation, stack });
      assertCompleted(known, "the kit's own run with invalid tool arguments");
      assertCompleted(outcome, "a run in which the model gave invalid tool arguments");
      const tries = calls
        .filter(({ seam, request }) => seam === "tool" && isInvalid(request))
        .flatMap(({ inner }) => inner);
      if (tries.length !== 1) {
        throw new Broken(`the call with invalid arguments was made ${tries.length} times.`);
      }
      const [expected, came] = [known.values, outcome.values].map((values) =>
        normalForm(context.capabilities.repairs === true ? toolAnswers(values) : values),
      ) as [string, string];
      if (came === expected) return;
      throw new Broken(`the model reads something else: ${firstDifference(expected, came)}.`);
    }),
};

/** What the tool node answered: a repair is told beside the messages, and costs tokens. */
function toolAnswers(values: unknown): unknown {
  const { messages = [] } = values as { messages?: readonly unknown[] };
  return messages.filter((message) => ToolMessage.isInstance(message));
}

function isInvalid(request: unknown): boolean {
  return (request as ToolCallRequest).toolCall.id === "call_invalid";
}
