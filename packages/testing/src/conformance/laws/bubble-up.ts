import { Command, ParentCommand, interrupt, isGraphBubbleUp } from "@langchain/langgraph";

import { play } from "../play.ts";
import { sandwich } from "../sandwich.ts";
import type { Seam, WatchedCall } from "../sandwich.ts";
import { Broken, describe, everywhere } from "./law.ts";
import type { Law } from "./law.ts";

const bubbles: Readonly<Record<string, () => never>> = {
  "an interrupt": () => interrupt<string, never>("May I?"),
  "a ParentCommand": () => {
    throw new ParentCommand(new Command({ graph: Command.PARENT, goto: "elsewhere" }));
  },
};
const seams: readonly Seam[] = ["model", "tool"];

/** Law 1. */
export const bubbleUp: Law = {
  law: 1,
  title: "GraphBubbleUp passes by identity, handler called once",
  fix: "make `if (isGraphBubbleUp(error)) throw error;` the first line of every catch around the handler, and neither retry nor wrap it.",
  check: (context) =>
    everywhere(context, context.subjects, async ({ kind, subject, stage }) => {
      for (const where of seams) {
        for (const [name, bubble] of Object.entries(bubbles)) {
          let thrown = false;
          const { stack, calls } = sandwich(subject.create(), {
            call: async (seam, request, handler) => {
              if (seam !== where || thrown) return handler(request);
              thrown = true;
              return bubble();
            },
          });
          await play({ kind, stage: await stage(), situation: subject.situation, stack });
          const met = calls.find(({ inner }) => inner.some(({ error }) => isGraphBubbleUp(error)));
          if (met !== undefined) assertPassed(met, name);
          else if (subject.label === "idle") {
            throw new Broken(`no ${where} call reached the handler in an ordinary run.`);
          }
        }
      }
    }),
};

function assertPassed(call: WatchedCall, name: string): void {
  const { seam, inner, error } = call;
  const around = `${name} thrown inside a ${seam} call`;
  if (inner.length !== 1) {
    throw new Broken(`${around}: the handler was called ${inner.length} times, once is allowed.`);
  }
  if (error !== inner[0]?.error) {
    const came = call.state === "threw" ? `${describe(error)} was thrown on` : "a result came back";
    throw new Broken(`${around} did not pass: ${came}.`, { cause: error });
  }
}
