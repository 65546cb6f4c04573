import { play, perform } from "../play.ts";
import type { Cast } from "../play.ts";
import { Broken, everywhere } from "./law.ts";
import type { Law, Scene } from "./law.ts";

const MODES = ["values", "updates", "debug", "checkpoints", "tasks", "messages", "custom"] as const;

/** Law 18. */
export const privateChannels: Law = {
  law: 18,
  title: "private channels appear in no stream, output or `getState`",
  fix: "add state only as a `_channel` declared under `state` of the definition, and write it with `context.state.write`: a Command that carries it, or a public channel, goes to every stream, and streams go to browsers.",
  check: (context) =>
    everywhere(context, context.subjects, async (scene) => {
      const { kind, subject, stage } = scene;
      const { situation } = subject;
      const bare = await play({ kind, stage: await stage(), situation });
      const outcome = await play({
        kind,
        stage: await stage(),
        situation,
        stack: [subject.create()],
      });
      const known = new Set([...Object.keys(bare.graph.channels), ...Object.keys(bare.channels)]);
      const added = new Set(
        [...Object.keys(outcome.graph.channels), ...Object.keys(outcome.channels)].filter(
          (channel) => !known.has(channel),
        ),
      );
      assertHidden(outcome.output, added, "the output of invoke");
      assertHidden(outcome.values, added, "the values of getState");
      await assertStreams(scene, added);
    }),
};

async function assertStreams(
  { kind, subject, stage }: Scene,
  added: ReadonlySet<string>,
): Promise<void> {
  const { situation } = subject;
  const cast = async (): Promise<Cast> => ({
    kind,
    stage: await stage(),
    situation,
    stack: [subject.create()],
  });
  const streamed = await perform(await cast());
  const chunks = streamed.graph.stream(streamed.input, { ...streamed.config, streamMode: MODES });
  await eachUntilError(chunks, (chunk) => {
    const [mode, value] = chunk as [string, unknown];
    assertHidden(value, added, `stream mode "${mode}"`);
  });
  const { graph, input, config } = await perform(await cast());
  const events = graph.streamEvents(input, { ...config, version: "v2" });
  await eachUntilError(events, (event) => assertHidden(event, added, "streamEvents"));
}

/** A run that fails is another law's business; what it streamed until then is this one's. */
async function eachUntilError(
  source: AsyncIterable<unknown> | Promise<AsyncIterable<unknown>>,
  look: (chunk: unknown) => void,
): Promise<void> {
  try {
    for await (const chunk of await source) look(chunk);
  } catch (error) {
    if (error instanceof Broken) throw error;
  }
}

function assertHidden(value: unknown, added: ReadonlySet<string>, where: string): void {
  const key = foundKey(value, added, new WeakSet());
  if (key !== undefined) throw new Broken(`channel "${key}" appears in ${where}.`);
}

function foundKey(
  value: unknown,
  keys: ReadonlySet<string>,
  seen: WeakSet<object>,
): string | undefined {
  if (typeof value !== "object" || value === null || seen.has(value)) return undefined;
  seen.add(value);
  for (const [key, field] of Object.entries(value)) {
    if (keys.has(key)) return key;
    const inside = foundKey(field, keys, seen);
    if (inside !== undefined) return inside;
  }
  return undefined;
}
