import { RunnableBinding, RunnableLambda, RunnableSequence } from "@langchain/core/runnables";
import type { Runnable, RunnableConfig } from "@langchain/core/runnables";

import { CoreError } from "../errors.ts";
import { ambientScope } from "../run/scope.ts";
import { separate } from "./call-options.ts";
import {
  isChatModel,
  isConfigurable,
  streamOf,
  withoutDefaults,
  withoutQueue,
} from "./chat-model.ts";
import type { Callable, ChatModelLike } from "./chat-model.ts";
import { modelSeamActive } from "./model-seam.ts";
import { reportUnwrapped } from "./report-unwrapped.ts";
import { generateSeam, invokeSeam, streamSeam } from "./wrapped-call.ts";
import { WRAPPING, wrappingOf } from "./wrapping.ts";
import type { Wrapping } from "./wrapping.ts";

/** How a model is wrapped. */
export interface WrapModelOptions {
  /** A name for this model's call site, where a node calls several models. @default an ordinal */
  site?: string;
}

/**
 * Makes the calls of a chat model pass the middleware of the graph they are made in; outside such a
 * graph it changes nothing.
 *
 * Error behavior: something that is no chat model throws `invalid-options`. Output: an object whose
 * prototype is the model, so class, name, profile and `instanceof` stay; `bindTools`,
 * `withStructuredOutput`, `withConfig`, `pipe`, streaming and batch stay wrapped. State: none.
 * When it fires: at `invoke` and `stream`, once per call.
 *
 * @example
 * ```ts
 * const model = wrapModel(new ChatOpenAI({ model: "gpt-5.2" }));
 * ```
 */
export function wrapModel<Model extends object>(
  model: Model,
  options: WrapModelOptions = {},
): Model {
  const known = wrappingOf(model);
  if (known !== undefined) {
    return options.site === undefined
      ? model
      : (wrapped({ ...known, site: options.site }) as unknown as Model);
  }
  if (model !== null && model !== undefined && RunnableBinding.isRunnableBinding(model)) {
    const inner = wrapModel(model.bound as object, options);
    return rewrapBinding(model, inner as Runnable) as unknown as Model;
  }
  if (!isChatModel(model)) {
    throw new CoreError({
      code: "invalid-options",
      message: `wrapModel: ${describe(model)} came; a chat model (BaseChatModel, initChatModel(…), or a binding of one) is allowed.`,
    });
  }
  const base = model as unknown as ChatModelLike;
  const { tools, ...settings } = base.defaultOptions ?? {};
  return wrapped({
    base,
    root: withoutDefaults(base),
    identity: model,
    perCall: ambientScope().node !== undefined,
    site: options.site,
    tools: Array.isArray(tools) ? tools : undefined,
    settings,
  }) as unknown as Model;
}

function wrapped(wrapping: Wrapping): ChatModelLike {
  const { base } = wrapping;
  const self = Object.create(base) as ChatModelLike;
  const define = (name: string, value: unknown): void => {
    Object.defineProperty(self, name, { value, configurable: true, writable: true });
  };
  define(WRAPPING as unknown as string, wrapping);
  define("invoke", (input: unknown, options?: Record<string, unknown>) =>
    modelSeamActive() ? invokeSeam(wrapping, input, options) : base.invoke(input, options),
  );
  define("_streamIterator", (input: unknown, options?: Record<string, unknown>) =>
    modelSeamActive() ? streamSeam(wrapping, input, options) : streamOf(base, input, options),
  );
  if (isConfigurable(base)) {
    // ConfigurableModel streams through the model it resolves to and never asks its own iterator.
    define("stream", (input: unknown, options?: Record<string, unknown>) =>
      modelSeamActive()
        ? Promise.resolve(streamSeam(wrapping, input, options))
        : base.stream(input, options),
    );
  }
  if (base.bindTools !== undefined) {
    define("bindTools", (tools: unknown[], kwargs: Record<string, unknown> = {}) =>
      derive(base.bindTools?.(tools, kwargs), {
        ...wrapping,
        tools,
        settings: { ...wrapping.settings, ...kwargs },
      }),
    );
  }
  define("withConfig", (config: Record<string, unknown>) => {
    const [, { tools, ...settings }] = separate(config);
    return derive(base.withConfig(config), {
      ...wrapping,
      tools: Array.isArray(tools) ? tools : wrapping.tools,
      settings: { ...wrapping.settings, ...settings },
    });
  });
  const structured = base.withStructuredOutput;
  if (structured !== undefined) {
    define("withStructuredOutput", (...values: unknown[]) =>
      isConfigurable(base)
        ? resolvedStructuredOutput(wrapping, values)
        : // `this` is the wrapped model, so what the method binds is wrapped as well.
          Reflect.apply(structured, self, values),
    );
  }
  for (const name of ["generate", "generatePrompt"] as const) {
    define(name, (...values: unknown[]) => generateSeam(base[name], wrapping, values));
  }
  define("streamEvents", (...values: unknown[]) => {
    const version = (values[1] as { version?: string } | undefined)?.version;
    // The content-block protocol of core reads the provider's events directly, past every seam.
    if (version !== "v1" && version !== "v2") reportUnwrapped("model", "streamEvents");
    return Reflect.apply(base.streamEvents as Callable, self, values);
  });
  return self;
}

/** Wraps what a binding method returned: a model, a binding of one, or a sequence that holds one. */
function derive(result: unknown, wrapping: Wrapping): unknown {
  if (RunnableBinding.isRunnableBinding(result)) {
    const inner = result.bound as unknown as ChatModelLike;
    // A binding hands its kwargs over with each call: only the original tools must be remembered.
    return rewrapBinding(
      result,
      wrapped({
        ...wrapping,
        base: inner,
        root: isConfigurable(inner) ? withoutQueue(inner) : wrapping.root,
        settings: {},
      }) as unknown as Runnable,
    );
  }
  if (RunnableSequence.isRunnableSequence(result)) {
    const [first, ...rest] = (result as { steps: Runnable[] }).steps;
    return RunnableSequence.from([derive(first, wrapping) as Runnable, ...rest] as unknown as [
      Runnable,
      Runnable,
    ]);
  }
  if (isChatModel(result)) {
    return wrapped({ ...wrapping, base: result as ChatModelLike });
  }
  return result;
}

function rewrapBinding(
  binding: { kwargs?: unknown; config: unknown; configFactories?: unknown },
  bound: Runnable,
): Runnable {
  const fields = { ...(binding as object), bound } as unknown as ConstructorParameters<
    typeof RunnableBinding
  >[0];
  return new RunnableBinding(fields);
}

/** A configurable model queues the method and resolves late: resolve first, then wrap what it is. */
function resolvedStructuredOutput(wrapping: Wrapping, values: unknown[]): Runnable {
  return RunnableLambda.from(async (input: unknown, config?: RunnableConfig) => {
    const instance = (await wrapping.base._getModelInstance?.(config)) as ChatModelLike;
    const model = wrapped({ ...wrapping, base: instance, root: instance });
    const structured = (model.withStructuredOutput as Callable)(...values) as Runnable;
    return structured.invoke(input, config);
  }).withConfig({ runName: "StructuredOutput" });
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return typeof value === "object"
    ? `an object of ${value.constructor?.name ?? "no class"}`
    : `a ${typeof value}`;
}
