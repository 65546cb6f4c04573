import { AIMessageChunk } from "@langchain/core/messages";
import type { AIMessage } from "@langchain/core/messages";

import { NONE_PASSED, ambientScope, withScope } from "../run/scope.ts";
import type { CallScope } from "../run/scope.ts";
import { boundModel } from "./bound-model.ts";
import { separate } from "./call-options.ts";
import { concreteModel, isConfigurable, messagesOf, streamOf } from "./chat-model.ts";
import type { Callable, ChatModelLike } from "./chat-model.ts";
import { modelSeamActive, throughModelSeam } from "./model-seam.ts";
import type { ChangedCall, ModelCall } from "./model-seam.ts";
import { relay } from "./relay.ts";
import { reportUnwrapped } from "./report-unwrapped.ts";
import { isWatchAlone } from "./watched-callbacks.ts";
import { wrappingOf } from "./wrapping.ts";
import type { Wrapping } from "./wrapping.ts";

type Options = Record<string, unknown>;

/** Carries an `invoke` of a wrapped model through the seam. */
export async function invokeSeam(
  wrapping: Wrapping,
  input: unknown,
  options: Options = {},
): Promise<AIMessage> {
  const { base, root } = wrapping;
  const [config, given] = separate(options);
  const model = isConfigurable(root) ? await concreteModel(root, options) : root;
  return throughModelSeam({
    ...callOf(wrapping, model, given, input),
    asItCame: () => base.invoke(input, unwatched(options)),
    asChanged: (changed) => {
      const { runnable, callOptions } = applyChanges(changed);
      return runnable.invoke(changed.messages, { ...unwatched(config), ...callOptions });
    },
  });
}

/** Carries a stream of a wrapped model through the seam, chunk by chunk while the hooks wait. */
export async function* streamSeam(
  wrapping: Wrapping,
  input: unknown,
  options: Options = {},
): AsyncGenerator<AIMessageChunk> {
  const { base, root } = wrapping;
  const [config, given] = separate(options);
  const model = isConfigurable(root) ? await concreteModel(root, options) : root;
  const pipe = relay<AIMessageChunk>();
  let shown: AIMessageChunk | undefined;
  const drain = async (source: AsyncIterable<AIMessageChunk>): Promise<AIMessage> => {
    let whole: AIMessageChunk | undefined;
    for await (const chunk of source) {
      whole = whole === undefined ? chunk : whole.concat(chunk);
      if (!(await pipe.push(chunk))) break;
    }
    shown = whole;
    return whole ?? new AIMessageChunk("");
  };
  const done = throughModelSeam({
    ...callOf(wrapping, model, given, input),
    asItCame: () => drain(streamOf(base, input, unwatched(options))),
    asChanged: async (changed) => {
      const { runnable, callOptions } = applyChanges(changed);
      const all = { ...unwatched(config), ...callOptions };
      return drain(await runnable.stream(changed.messages, all));
    },
  }).then(
    async (message) => {
      // A middleware that answered by itself streamed nothing: its answer is the one chunk.
      if ((message as unknown) !== shown && shown === undefined) {
        await pipe.push(asChunk(message));
      }
      pipe.close();
    },
    (error: unknown) => pipe.close({ error }),
  );
  yield* pipe.chunks();
  await done;
}

function asChunk(message: AIMessage): AIMessageChunk {
  if (AIMessageChunk.isInstance(message)) return message;
  return new AIMessageChunk(message as unknown as ConstructorParameters<typeof AIMessageChunk>[0]);
}

/** `generate` takes a list of prompts past `invoke` and every seam, so it is reported. */
export async function generateSeam(
  generate: Callable | undefined,
  { base }: Wrapping,
  values: unknown[],
): Promise<unknown> {
  const work = (): unknown => Reflect.apply(generate as Callable, base, values);
  if (!modelSeamActive()) return work();
  reportUnwrapped("model", "generate");
  const call: CallScope = { kind: "model", id: "generate", passed: NONE_PASSED };
  return withScope({ ...ambientScope(), call }, work);
}

/** A watch that is alone has nothing to see in a call that the seam carries. */
function unwatched(options: Options): Options {
  return isWatchAlone(options["callbacks"]) ? { ...options, callbacks: undefined } : options;
}

function callOf(
  wrapping: Wrapping,
  model: object,
  given: Readonly<Options>,
  input: unknown,
): Omit<ModelCall, "asItCame" | "asChanged"> {
  const { identity, perCall, site } = wrapping;
  const { tools: formatted, ...settings } = given;
  const tools = wrapping.tools ?? (Array.isArray(formatted) ? (formatted as unknown[]) : []);
  return {
    identity,
    perCall,
    siteName: site,
    tools,
    settings: withoutUnset({ ...wrapping.settings, ...settings }),
    model,
    messages: messagesOf(input),
  };
}

function withoutUnset(settings: Options): Options {
  for (const [key, value] of Object.entries(settings)) {
    if (value === undefined || key === "signal") delete settings[key];
  }
  return settings;
}

/** The runnable a changed call is made on, nothing of Evenkeel around it any more. */
function applyChanges(changed: ChangedCall): {
  runnable: ChatModelLike;
  callOptions: Readonly<Options>;
} {
  const model = (wrappingOf(changed.model)?.base ?? changed.model) as ChatModelLike;
  const { tools, settings } = changed;
  if (tools.length === 0 || model.bindTools === undefined) {
    const { tool_choice: _none, ...callOptions } = settings;
    return { runnable: model, callOptions };
  }
  const { outputVersion: _version, ...kwargs } = settings;
  const bindable = model as Parameters<typeof boundModel>[0];
  return { runnable: boundModel(bindable, tools, kwargs), callOptions: settings };
}
