import { isCommand } from "@langchain/langgraph";

import { firstDifference, normalForm } from "../normal-form.ts";
import { play } from "../play.ts";
import { sandwich } from "../sandwich.ts";
import { COMMANDING } from "../situation.ts";
import { Broken, assertCompleted, everywhere } from "./law.ts";
import type { Law } from "./law.ts";

/** Law 3. */
export const commandUntouched: Law = {
  law: 3,
  title: "a Command passes untouched",
  fix: "a handler returns a message or a Command: `if (isCommand(result)) return result;` before anything reads `result.content`.",
  check: (context) =>
    everywhere(context, [context.idle], async ({ kind, subject, stage }) => {
      const situation = COMMANDING;
      const { stack, calls } = sandwich(subject.create());
      const bare = await play({ kind, stage: await stage(), situation });
      const outcome = await play({ kind, stage: await stage(), situation, stack });
      const commands = calls.filter(({ inner }) => inner.some(({ result }) => isCommand(result)));
      for (const { result, error, inner } of commands) {
        if (error !== undefined || result !== inner.at(-1)?.result) {
          throw new Broken("a tool answered with a Command and the middleware did not return it.", {
            cause: error,
          });
        }
      }
      assertCompleted(outcome);
      if (commands.length === 0)
        throw new Broken("the tool that answers with a Command never ran.");
      const [expected, came] = [normalForm(bare.values), normalForm(outcome.values)];
      if (came !== expected) {
        throw new Broken(
          `its update did not arrive as it was: ${firstDifference(expected, came)}.`,
        );
      }
    }),
};
