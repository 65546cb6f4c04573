import type { AnyMiddleware } from "@evenkeel/core";
import { HumanMessage } from "@langchain/core/messages";

import { decideReply } from "../../model/scripted-turn.ts";
import { firstDifference, normalForm } from "../normal-form.ts";
import { perform, runOnce } from "../play.ts";
import type { Cast, Outcome, Performance } from "../play.ts";
import type { Situation } from "../situation.ts";
import { Broken, everywhere } from "./law.ts";
import type { Law, Scene } from "./law.ts";

const VOICES = ["first", "second"] as const;
type Voice = (typeof VOICES)[number];

/** Law 7. */
export const interleavedThreads: Law = {
  law: 7,
  title: "two interleaved threads equal two serial ones",
  fix: "keep nothing of a run in closures or module variables: derive it from the messages, keep it in `context.state` under a declared channel, or in `context.memory`, which belongs to one run.",
  check: (context) =>
    everywhere(context, context.subjects, async (scene) => {
      const serial: string[] = [];
      for (const voice of VOICES) {
        const cast = await castOf(scene, meetingPoint(1));
        serial.push(seen(await speak(cast, await perform(cast), voice), scene.subject.create()));
      }
      const gate = meetingPoint(VOICES.length);
      const cast = await castOf(scene, gate);
      const shared = await perform(cast);
      const together = await Promise.all(
        VOICES.map((voice) => speak(cast, shared, voice).finally(() => gate.leave())),
      );
      for (const [index, outcome] of together.entries()) {
        const came = seen(outcome, scene.subject.create());
        const expected = serial[index] ?? "";
        if (came !== expected) {
          throw new Broken(
            `two threads of one graph saw each other: ${firstDifference(expected, came)}.`,
          );
        }
      }
    }),
};

interface MeetingPoint {
  arrive(): Promise<void>;
  leave(): void;
}

/** A graph whose every model call waits at the gate. */
async function castOf({ kind, subject, stage }: Scene, gate: MeetingPoint): Promise<Cast> {
  const { turns, ...rest } = subject.situation;
  const situation: Situation = {
    ...rest,
    turns: async (call) => {
      await gate.arrive();
      return decideReply(turns, call);
    },
  };
  return { kind, stage: await stage(), situation, stack: [subject.create()] };
}

/** Runs the graph on a thread of its own, the voice in the user's words. */
function speak(cast: Cast, performance: Performance, voice: Voice): Promise<Outcome> {
  const { input, config, events } = performance;
  const thread = `${config.configurable.thread_id}-${voice}`;
  const said = input.messages.map(
    ({ text }) => new HumanMessage({ id: `human-${voice}`, content: `${text} (${voice})` }),
  );
  return runOnce(cast, {
    ...performance,
    input: { messages: said },
    config: { configurable: { thread_id: thread } },
    get events() {
      return events.filter(({ threadId }) => threadId === thread);
    },
  });
}

function seen(outcome: Outcome, { name }: AnyMiddleware): string {
  const events = outcome.events
    .filter(({ by }) => by === name)
    .map(({ name: event, detail }) => [event, detail]);
  const { error, values, channels } = outcome;
  // The execution counts the events of all middleware: which of them was first is for nobody to say.
  const own = Object.entries(channels).filter(
    ([channel]) => channel.startsWith("_") && channel !== "_execution",
  );
  return normalForm({ error, values, events, own });
}

/** Where so many runs wait for each other at every step, until they leave. */
function meetingPoint(participants: number): MeetingPoint {
  let expected = participants;
  let waiting: (() => void)[] = [];
  const open = (): void => {
    if (waiting.length < expected) return;
    const released = waiting;
    waiting = [];
    for (const go of released) go();
  };
  return {
    arrive: () =>
      new Promise((go) => {
        waiting.push(go);
        open();
      }),
    leave: () => {
      expected -= 1;
      open();
    },
  };
}
