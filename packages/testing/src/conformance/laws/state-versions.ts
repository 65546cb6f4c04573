import { isDeepStrictEqual } from "node:util";

import { EvenkeelError, isEvenkeelMiddleware } from "@evenkeel/core";
import { Command } from "@langchain/langgraph";

import { play } from "../play.ts";
import type { Cast, Outcome } from "../play.ts";
import { PAUSING } from "../situation.ts";
import type { Stage } from "../stage.ts";
import { Broken, assertCompleted, describe, everywhere } from "./law.ts";
import type { Law, Scene } from "./law.ts";

type Entries = Readonly<Record<string, unknown>>;
interface Channel {
  readonly v: number;
  readonly e: string | null;
  readonly d: Entries;
}

const FUTURE = 99;

/** Law 17. */
export const stateVersions: Law = {
  law: 17,
  title: "state of an older release is read, of an unknown future one refused",
  fix: "give what you store a version (`{ v: 1, … }`), keep reading every older one, and throw an EvenkeelError with a code such as `state-version-unsupported` for one you do not know; never overwrite it.",
  check: (context) =>
    everywhere(context, context.subjects, async (scene) => {
      const { state } = context.capabilities;
      const middleware = scene.subject.create();
      const declared = isEvenkeelMiddleware(middleware)
        ? Object.keys(middleware["~evenkeel"].definition.state ?? {})
        : [];
      if (state !== undefined) {
        const { channel, fixture, understood } = state;
        if (!declared.includes(channel)) {
          throw new Broken(`channel "${channel}" of the fixture is declared nowhere.`);
        }
        const { outcome, after } = await resumeOn(scene, channel, (before) => ({
          ...before,
          d: fixture,
        }));
        assertCompleted(outcome, "a run that resumed on state of an older release");
        const { events, values } = outcome;
        if (understood?.({ events, values, entries: after.d }) === false) {
          throw new Broken("a run resumed on state of an older release and did not read it.");
        }
        if (hasVersions(fixture)) {
          await assertRefused(scene, channel, (before) => ({ ...before, d: aged(fixture) }));
        }
      }
      for (const channel of declared) {
        await assertRefused(scene, channel, (before) => ({ ...before, v: FUTURE }));
      }
    }),
};

/** Pauses a thread, puts something else into a channel of its checkpoint, and resumes it. */
async function resumeOn(
  { kind, subject, stage }: Scene,
  channel: string,
  change: (before: Channel) => Channel,
): Promise<{ outcome: Outcome; put: Channel; after: Channel }> {
  const cast: Cast = { kind, stage: await stage(), situation: PAUSING };
  const paused = await play({ ...cast, stack: [subject.create()] });
  if (paused.output["__interrupt__"] === undefined) {
    assertCompleted(paused, "the run up to the interrupt");
    throw new Broken("a tool asked for a person and the run did not pause.");
  }
  const put = await rewrite(cast.stage, channel, change);
  const input = new Command({ resume: "yes" });
  const outcome = await play({ ...cast, stack: [subject.create()] }, { input });
  return { outcome, put, after: outcome.channels[channel] as Channel };
}

async function rewrite(
  { checkpointer, thread }: Stage,
  channel: string,
  change: (before: Channel) => Channel,
): Promise<Channel> {
  const tuple = await checkpointer.getTuple({ configurable: { thread_id: thread } });
  if (tuple?.metadata === undefined) throw new Broken("the paused thread has no checkpoint.");
  const { checkpoint, metadata, config, parentConfig } = tuple;
  const { channel_values: values, channel_versions: versions } = checkpoint;
  const identity = values["_execution"] as Channel | undefined;
  const empty: Channel = { v: 1, e: (identity?.d["id"] as string | undefined) ?? null, d: {} };
  const value = change((values[channel] as Channel | undefined) ?? empty);
  const version = checkpointer.getNextVersion(versions[channel] as number | undefined);
  await checkpointer.put(
    parentConfig ?? { configurable: { ...config.configurable, checkpoint_id: undefined } },
    {
      ...checkpoint,
      channel_values: { ...values, [channel]: value },
      channel_versions: { ...versions, [channel]: version },
    },
    metadata,
    { [channel]: version },
  );
  return value;
}

/** Refused with a code, or never looked at and left as it was: anything else loses someone's state. */
async function assertRefused(
  scene: Scene,
  channel: string,
  change: (before: Channel) => Channel,
): Promise<void> {
  const { outcome, put, after } = await resumeOn(scene, channel, change);
  if (outcome.failed) {
    if (hasCode(outcome.error)) return;
    throw new Broken(`version ${FUTURE} in "${channel}" ended in ${describe(outcome.error)}.`, {
      cause: outcome.error,
    });
  }
  if (isDeepStrictEqual(after, put)) return;
  throw new Broken(`version ${FUTURE} in "${channel}" was taken for a known one and overwritten.`);
}

function hasCode(error: unknown): boolean {
  if (EvenkeelError.isInstance(error)) return true;
  return error instanceof Error && error.cause !== undefined && hasCode(error.cause);
}

function hasVersions(entries: Entries): boolean {
  return Object.values(entries).some((entry) => typeof versionOf(entry) === "number");
}

function aged(entries: Entries): Entries {
  return Object.fromEntries(
    Object.entries(entries).map(([key, entry]) => [
      key,
      versionOf(entry) === undefined ? entry : { ...(entry as object), v: FUTURE },
    ]),
  );
}

function versionOf(entry: unknown): unknown {
  return (entry as { v?: unknown } | null | undefined)?.v;
}
