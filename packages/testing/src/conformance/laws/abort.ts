import { livingTimers, turns } from "../living-timers.ts";
import { play } from "../play.ts";
import { sandwich } from "../sandwich.ts";
import type { Seam } from "../sandwich.ts";
import { Broken, everywhere } from "./law.ts";
import type { Law, Scene } from "./law.ts";

const seams: readonly Seam[] = ["model", "tool"];

/** Law 6. */
export const abort: Law = {
  law: 6,
  title: "aborted `signal` ⇒ no new attempt, no timer left",
  fix: "give every sleep the signal (`setTimeout(ms, undefined, { signal: request.runtime.signal })` of node:timers/promises) and check `signal.aborted` before each attempt.",
  check: (context) =>
    everywhere(context, context.subjects, async (scene) => {
      for (const seam of seams) {
        for (const moment of ["during", "after"] as const) await abortOnce(scene, seam, moment);
      }
    }),
};

/** Aborts a run while a call is under way, or after it failed, where a retry would wait. */
async function abortOnce(
  { kind, subject, stage }: Scene,
  where: Seam,
  moment: "during" | "after",
): Promise<void> {
  const fresh = await stage();
  const controller = new AbortController();
  const { signal } = controller;
  let begun = 0;
  let late = 0;
  const { stack } = sandwich(subject.create(), {
    call: async (seam, request, handler) => {
      if (signal.aborted) late += 1;
      if (seam !== where) return handler(request);
      begun += 1;
      if (begun > 1) return handler(request);
      const aborting = turns().then(() => controller.abort());
      if (moment === "after") throw new Error("503: the service is not reachable");
      await aborting;
      return signal.throwIfAborted();
    },
  });
  const timers = await livingTimers(async () => {
    await play({ kind, stage: fresh, situation: subject.situation, stack }, { signal });
    await turns(50);
  });
  const when = moment === "during" ? `during a ${where} call` : `after a ${where} call failed`;
  if (late > 0) throw new Broken(`aborted ${when}, it began ${late} more calls.`);
  if (timers > 0) throw new Broken(`aborted ${when}, it left ${timers} timers alive.`);
}
