import { play } from "../play.ts";
import type { Cast } from "../play.ts";
import { Broken, assertCompleted, everywhere } from "./law.ts";
import type { Law } from "./law.ts";

/** Law 15. */
export const sameSupersteps: Law = {
  law: 15,
  title: "where it did not act, supersteps and checkpoints equal the bare graph's",
  fix: "use wrap hooks only: each `before*` or `after*` hook is a node, a superstep, a checkpoint and a bite out of recursionLimit. State goes through `context.state`, which rides on the node that runs anyway.",
  check: (context) =>
    everywhere(context, [context.idle], async ({ kind, subject, stage }) => {
      const { situation } = subject;
      const bare: Cast = { kind, stage: await stage(), situation };
      const cast: Cast = { kind, stage: await stage(), situation, stack: [subject.create()] };
      await play(bare);
      assertCompleted(await play(cast));
      const expected = await checkpoints(bare);
      const came = await checkpoints(cast);
      if (came.join() === expected.join()) return;
      throw new Broken(
        `the bare graph wrote ${expected.length} checkpoints (${expected.join(" ")}), with the middleware ${came.length} (${came.join(" ")}).`,
      );
    }),
};

/** Every checkpoint of the thread as `source:step`, oldest first. */
async function checkpoints({ stage }: Cast): Promise<string[]> {
  const found: string[] = [];
  const config = { configurable: { thread_id: stage.thread } };
  for await (const { metadata } of stage.checkpointer.list(config)) {
    found.unshift(`${metadata?.source}:${metadata?.step}`);
  }
  return found;
}
