import { isDeepStrictEqual } from "node:util";

import type { BaseCheckpointSaver, Command } from "@langchain/langgraph";

import { commandsOf } from "../commands-of.ts";
import { perform, runOnce } from "../play.ts";
import type { Cast } from "../play.ts";
import { Broken, assertCompleted, describe, everywhere } from "./law.ts";
import type { Law } from "./law.ts";

/** Law 9. */
export const declaredKeys: Law = {
  law: 9,
  title: "returned keys are declared, values survive the checkpointer's serializer",
  fix: "declare every private channel under `state` of the definition, and write plain JSON into it: numbers, strings, booleans, null, lists and objects of them. A Date becomes its ISO string; a class, a function or a bigint is lost.",
  check: (context) =>
    everywhere(context, context.subjects, async ({ kind, subject, stage }) => {
      const { situation } = subject;
      const bare: Cast = { kind, stage: await stage(), situation };
      const known = new Set(Object.keys((await perform(bare)).graph.channels));
      const { middleware, commands } = commandsOf(subject.create());
      const cast: Cast = { kind, stage: await stage(), situation, stack: [middleware] };
      const written = recordWrites(cast.stage.checkpointer);
      const performance = await perform(cast);
      const outcome = await runOnce(cast, performance);
      if (subject.label === "idle") assertCompleted(outcome);
      const declared = new Set(Object.keys(performance.graph.channels));
      for (const command of commands) assertDeclared(command, declared);
      for (const [channel, value] of written()) {
        if (!known.has(channel)) await assertSurvives(cast.stage.checkpointer, channel, value);
      }
    }),
};

/** Keeps what is handed to a checkpointer, as it was before it was serialized. */
function recordWrites(checkpointer: BaseCheckpointSaver): () => readonly [string, unknown][] {
  const written: [string, unknown][] = [];
  const put = checkpointer.put.bind(checkpointer);
  const putWrites = checkpointer.putWrites.bind(checkpointer);
  checkpointer.put = (config, checkpoint, ...rest) => {
    written.push(...Object.entries(checkpoint.channel_values));
    return put(config, checkpoint, ...rest);
  };
  checkpointer.putWrites = (config, writes, ...rest) => {
    written.push(...(writes as [string, unknown][]));
    return putWrites(config, writes, ...rest);
  };
  return () => {
    Object.assign(checkpointer, { put, putWrites });
    return written.filter(([channel]) => !/^(__|branch:)/.test(channel));
  };
}

function assertDeclared({ update }: Command, declared: ReadonlySet<string>): void {
  const keys = Array.isArray(update) ? update.map(([key]) => key) : Object.keys(update ?? {});
  const undeclared = keys.filter((key) => !declared.has(key));
  if (undeclared.length === 0) return;
  throw new Broken(`it returned a Command with undeclared keys: ${undeclared.join(", ")}.`);
}

async function assertSurvives(
  { serde }: BaseCheckpointSaver,
  channel: string,
  value: unknown,
): Promise<void> {
  let read: unknown;
  try {
    const [type, bytes] = await serde.dumpsTyped(value);
    read = await serde.loadsTyped(type, bytes);
  } catch (error) {
    throw new Broken(`channel "${channel}" cannot be serialized: ${describe(error)}.`, {
      cause: error,
    });
  }
  const path = difference(value, read);
  if (path === undefined) return;
  throw new Broken(`channel "${channel}" is read back otherwise than it was written, at ${path}.`);
}

/** The path to the first difference of two values, or undefined where there is none. */
function difference(one: unknown, other: unknown, path = "$"): string | undefined {
  if (isDeepStrictEqual(one, other)) return undefined;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) {
    return path;
  }
  const fields = other as Readonly<Record<string, unknown>>;
  const inside = Object.entries(one)
    .map(([key, field]) => difference(field, fields[key], `${path}.${key}`))
    .find((found) => found !== undefined);
  return inside ?? path;
}
