import type { AnyMiddleware } from "@evenkeel/core";

import { withEnvironment } from "../environment.ts";
import { firstDifference, normalForm } from "../normal-form.ts";
import { play } from "../play.ts";
import type { Outcome } from "../play.ts";
import { Broken, assertCompleted, everywhere } from "./law.ts";
import type { Law } from "./law.ts";

/** Law 19. */
export const observeMode: Law = {
  law: 19,
  title:
    "in `observe` the model's requests, the messages and the user's channels are byte-identical to the bare graph's",
  fix: 'build it with `defineMiddleware`, which runs the hooks beside the call in `observe`; inside a hook change nothing but what you hand on, and do nothing outside unless `context.mode === "enforce"`.',
  check: (context) =>
    everywhere(context, context.subjects, async ({ kind, subject, stage }) => {
      const { situation } = subject;
      const middleware = subject.create();
      const run = async (mode?: "enforce" | "observe"): Promise<Outcome> => {
        const cast = { kind, stage: await stage(), situation };
        if (mode === undefined) return play(cast);
        return withEnvironment(modeOf(middleware.name, mode), () =>
          play({ ...cast, stack: [subject.create()] }),
        );
      };
      const bare = await run();
      const expected = picture(bare);
      if (subject.label === "acting" && !acted(await run("enforce"), bare, middleware)) {
        throw new Broken(
          "in `enforce` it did nothing either: `capabilities.acts` must be a situation in which it acts.",
        );
      }
      const observed = await run("observe");
      if (!bare.failed) assertCompleted(observed, "the run in `observe`");
      const came = picture(observed);
      if (came === expected) return;
      throw new Broken(`in \`observe\` the run changed: ${firstDifference(expected, came)}.`);
    }),
};

function modeOf(name: string, mode: string): Record<string, string> {
  const { EVENKEEL_MODE: before } = process.env;
  return { EVENKEEL_MODE: [...(before ? [before] : []), `${name}=${mode}`].join(",") };
}

function picture({ requests, values, effects, failed }: Outcome): string {
  const sent = requests.map(({ messages, parameters }) => ({ messages, parameters }));
  return normalForm({ requests: sent, values, effects, failed });
}

/** Offering its own tools is no act: it does so in every run. */
function acted(outcome: Outcome, bare: Outcome, { name, tools = [] }: AnyMiddleware): boolean {
  const brought = new Set(tools.map(toolName));
  const own = ({ requests, ...rest }: Outcome): string =>
    picture({
      ...rest,
      requests: requests.map((request) => {
        const offered = (request.parameters["tools"] ?? []) as readonly unknown[];
        const others = offered.filter((tool) => !brought.has(toolName(tool)));
        return { ...request, parameters: { ...request.parameters, tools: others } };
      }),
    });
  return outcome.events.some(({ by }) => by === name) || own(outcome) !== own(bare);
}

function toolName(tool: unknown): unknown {
  const { name, function: definition } = Object(tool) as {
    name?: unknown;
    function?: { name?: unknown };
  };
  return name ?? definition?.name;
}
