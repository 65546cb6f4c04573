import { EvenkeelError, isEvenkeelMiddleware } from "@evenkeel/core";

import { withEnvironment } from "../environment.ts";
import { play } from "../play.ts";
import type { Outcome } from "../play.ts";
import { Broken, assertCompleted, everywhere } from "./law.ts";
import type { Law } from "./law.ts";

const UNTRACED = { LANGSMITH_TRACING: "false", LANGCHAIN_TRACING_V2: "false" };

/** Law 16. */
export const bareSurroundings: Law = {
  law: 16,
  title: "tracing off, store absent: it still runs, and says what it could not do",
  fix: '`request.runtime.store` may be undefined: do without it and `context.emit("middleware-warning", …)` once, or declare `needs: { store: true }`, which refuses the run with `store-required` before it begins.',
  check: (context) =>
    everywhere(context, context.subjects, async ({ kind, subject, stage }) => {
      const middleware = subject.create();
      const run = async (withStore: boolean): Promise<[Outcome, number]> => {
        const cast = { kind, stage: await stage(), situation: subject.situation, withStore };
        const stack = [subject.create()];
        const outcome = await withEnvironment(UNTRACED, () => play({ ...cast, stack }));
        return [outcome, cast.stage.store.uses];
      };
      const [equipped, uses] = await run(true);
      const [deprived] = await run(false);
      if (subject.label === "idle") assertCompleted(equipped, "a run without tracing");
      const refuses =
        isEvenkeelMiddleware(middleware) &&
        middleware["~evenkeel"].definition.needs?.store === true &&
        EvenkeelError.isInstance(deprived.error, "store-required");
      if (refuses) return;
      if (deprived.failed && !equipped.failed) assertCompleted(deprived, "a run without a store");
      const said = (outcome: Outcome): number =>
        outcome.events.filter(({ by, name }) => by === middleware.name && name.endsWith("-warning"))
          .length;
      if (uses > 0 && said(deprived) <= said(equipped)) {
        throw new Broken(
          `it used the store ${uses} times where there was one, and without one it emitted no warning.`,
        );
      }
    }),
};
