import { Command } from "@langchain/langgraph";

import { comparable } from "./comparable.ts";
import type { RunnableGraph } from "./graph-of-module.ts";
import { SurvivalError } from "./survival-error.ts";
import type { Answer } from "./survival-job.ts";

/** A graph with the thread it runs on. */
export interface Execution {
  readonly graph: RunnableGraph;
  readonly config: object;
  readonly answers: readonly Answer[];
  /** Hears every question, before it is answered. */
  readonly onAsked: (asked: string) => void;
}

/** Runs an input to its end and answers what is asked on the way. */
export async function carryOn(
  { graph, config, answers, onAsked }: Execution,
  input: unknown,
): Promise<void> {
  const unused = [...answers];
  let next: unknown = input;
  for (;;) {
    const interrupts = interruptsOf(await graph.invoke(next, config));
    if (interrupts.length === 0) return;
    const resume: Record<string, unknown> = {};
    for (const { id, value } of interrupts) {
      const asked = JSON.stringify(comparable(value));
      onAsked(asked);
      resume[id] = take(unused, asked);
    }
    next = new Command({ resume });
  }
}

/** The answer to a question: the one given to it in the uncrashed run, there the next one. */
function take(unused: Answer[], asked: string): unknown {
  const index = unused.findIndex((one) => one.asked === undefined || one.asked === asked);
  const [found] = index === -1 ? [] : unused.splice(index, 1);
  if (found !== undefined) return found.answer;
  throw new SurvivalError({
    code: "run-failed",
    message: `The graph asked ${asked}, and \`answers\` holds no answer to it.`,
  });
}

interface Interrupt {
  readonly id: string;
  readonly value: unknown;
}

function interruptsOf(output: unknown): readonly Interrupt[] {
  if (typeof output !== "object" || output === null || !("__interrupt__" in output)) return [];
  return output.__interrupt__ as readonly Interrupt[];
}
