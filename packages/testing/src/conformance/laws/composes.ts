import type { AnyMiddleware } from "@evenkeel/core";

import { bystander } from "../bystander.ts";
import { firstDifference, normalForm } from "../normal-form.ts";
import { play } from "../play.ts";
import type { Outcome } from "../play.ts";
import { Broken, assertCompleted, everywhere } from "./law.ts";
import type { Law } from "./law.ts";

/** Law 11. */
export const composes: Law = {
  law: 11,
  title: "idle, it composes under every other package in both orders",
  fix: "depend on nothing another middleware may change or own: name private channels and store keys after your own middleware, pass on fields you do not know (`{ ...request }`), and expect any result a handler may return.",
  check: (context) =>
    everywhere(context, [context.idle], async ({ kind, subject, stage }) => {
      const { situation } = subject;
      const run = async (stack: readonly AnyMiddleware[]): Promise<Outcome> =>
        play({ kind, stage: await stage(), situation, stack });
      for (const other of [bystander, ...context.others]) {
        const alone = picture(await run([other()]));
        for (const place of ["outside", "inside"] as const) {
          const stack = [subject.create(), other()];
          const outcome = await run(place === "outside" ? stack : stack.toReversed());
          const where = `${place} of ${other().name}`;
          assertCompleted(outcome, `the run ${where}`);
          const together = picture(outcome);
          if (together === alone) continue;
          throw new Broken(`${where} it changed the run: ${firstDifference(alone, together)}.`);
        }
      }
    }),
};

function picture({ values, requests, effects }: Outcome): string {
  return normalForm({ values, requests: requests.map(({ messages }) => messages), effects });
}
