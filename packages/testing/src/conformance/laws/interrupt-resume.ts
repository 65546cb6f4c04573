import { Command } from "@langchain/langgraph";

import { firstDifference, normalForm } from "../normal-form.ts";
import { play } from "../play.ts";
import type { Cast, Outcome } from "../play.ts";
import { PAUSING } from "../situation.ts";
import { Broken, assertCompleted, everywhere } from "./law.ts";
import type { Law } from "./law.ts";

/** Law 10. */
export const interruptResume: Law = {
  law: 10,
  title: "interrupt → resume equals an uninterrupted run; replay repeats no effect",
  fix: "a hook runs again when its node is resumed, perhaps in another process: key what you keep by `toolCall.id` or `context.callSite`, keep it in `context.state` or a store, and do nothing outside before the handler that may not be done twice.",
  check: (context) =>
    everywhere(context, context.subjects, async ({ kind, subject, stage }) => {
      const situation = PAUSING;
      // Each process of its own: a fresh graph, a fresh middleware, only the stage is the same.
      const cast = async (): Promise<Cast> => ({ kind, stage: await stage(), situation });
      const next = (one: Cast, run: { input?: null | Command } = {}): Promise<Outcome> =>
        play({ ...one, stack: [subject.create()] }, run);

      const straight = await cast();
      const uninterrupted = await next({ ...straight, approval: "yes" });
      const paused = await cast();
      const first = await next(paused);
      if (subject.label === "idle") assertPaused(first);
      if (first.output["__interrupt__"] === undefined) return;
      const resumed = await next(paused, { input: new Command({ resume: "yes" }) });
      const requests = [...first.requests, ...resumed.requests];
      await assertSame(
        { outcome: uninterrupted, requests: uninterrupted.requests, cast: straight },
        { outcome: resumed, requests, cast: paused },
      );

      const effects = [...paused.stage.effects];
      const replayed = await next(paused, { input: null });
      const repeated = replayed.requests.length + paused.stage.effects.length - effects.length;
      if (repeated > 0) throw new Broken(`replaying a finished thread repeated ${repeated} calls.`);
    }),
};

function assertPaused(outcome: Outcome): void {
  assertCompleted(outcome, "the run up to the interrupt");
  if (outcome.output["__interrupt__"] === undefined) {
    throw new Broken("a tool asked for a person and the run did not pause.");
  }
}

interface Course {
  readonly outcome: Outcome;
  readonly requests: Outcome["requests"];
  readonly cast: Cast;
}

async function assertSame(expected: Course, came: Course): Promise<void> {
  const parts = async ({ outcome, requests, cast }: Course): Promise<Record<string, unknown>> => ({
    "what it came to": [outcome.failed, outcome.values],
    "the model's requests": requests.map(({ messages }) => messages),
    "the effects of its tools": outcome.effects,
    "the number of items in the store": await cast.stage.store.size(),
  });
  const one = await parts(expected);
  const other = await parts(came);
  if (came.outcome.failed && !expected.outcome.failed)
    assertCompleted(came.outcome, "the resumed run");
  for (const part of Object.keys(one)) {
    const [wanted, found] = [normalForm(one[part]), normalForm(other[part])];
    if (wanted === found) continue;
    const difference = firstDifference(wanted, found);
    throw new Broken(
      `${part} differs between an interrupted and an uninterrupted run: ${difference}.`,
    );
  }
}
