import { BaseLanguageModel } from "@langchain/core/language_models/base";
import { AIMessageChunk } from "@langchain/core/messages";
import type { AIMessage, BaseMessage } from "@langchain/core/messages";
import { RunnableBinding, RunnableLambda, RunnableSequence } from "@langchain/core/runnables";
import type { Runnable, RunnableConfig } from "@langchain/core/runnables";

import { CoreError } from "../errors.ts";
import { relay } from "../run/relay.ts";
import { ambientScope, withScope } from "../run/scope.ts";
import type { CallScope } from "../run/scope.ts";
import { unwatched } from "./call-watch.ts";
import { modelSeamActive, throughModelSeam } from "./model-seam.ts";
import type { ChangedCall } from "./model-seam.ts";
import { reportUnwrapped } from "./report-unwrapped.ts";

/** How a model is wrapped. */
export interface WrapModelOptions {
  /** A name for this model's call site, where a node calls several models. @default an ordinal */
  site?: string;
}

type Callable = (...values: unknown[]) => unknown;

// The parts of a chat model the seam uses; every BaseChatModel and ConfigurableModel has them.
interface ChatModelLike {
  invoke(input: unknown, options?: Record<string, unknown>): Promise<AIMessage>;
  stream(input: unknown, options?: Record<string, unknown>): Promise<AsyncIterable<AIMessageChunk>>;
  _streamIterator(
    input: unknown,
    options?: Record<string, unknown>,
  ): AsyncGenerator<AIMessageChunk>;
  bindTools?(tools: unknown[], kwargs?: Record<string, unknown>): unknown;
  withConfig(config: Record<string, unknown>): unknown;
  withStructuredOutput?: Callable;
  generate?: Callable;
  generatePrompt?: Callable;
  streamEvents?: Callable;
  _getModelInstance?(config?: unknown): Promise<object>;
  defaultOptions?: Record<string, unknown>;
}

interface Wrapping {
  /** The model that makes the call, with whatever is bound to it. */
  readonly base: ChatModelLike;
  /** The model without anything bound to it. */
  readonly root: ChatModelLike;
  /** Shared by everything derived from one `wrapModel` call. */
  readonly identity: object;
  /** Wrapped inside a node: the next execution of the node wraps another one. */
  readonly perCall: boolean;
  readonly site: string | undefined;
  /** The original tools of the last `bindTools`. */
  readonly tools: readonly unknown[] | undefined;
  /** Call options bound so far, tools apart. */
  readonly settings: Readonly<Record<string, unknown>>;
}

const WRAPPING = Symbol.for("evenkeel.wrapping");

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

/** The model behind a wrapped one, or the value itself. */
export function unwrapModel(model: unknown): unknown {
  return wrappingOf(model)?.base ?? model;
}

function wrappingOf(model: unknown): Wrapping | undefined {
  return typeof model === "object" && model !== null
    ? (model as { [WRAPPING]?: Wrapping })[WRAPPING]
    : undefined;
}

function isChatModel(model: unknown): boolean {
  if (typeof model !== "object" || model === null) return false;
  return (
    BaseLanguageModel.isPrototypeOf(model.constructor) ||
    ("_llmType" in model && "invoke" in model && "_streamIterator" in model)
  );
}

/** The model without the call options that were bound to it before it was wrapped. */
function withoutDefaults(base: ChatModelLike): ChatModelLike {
  if (Object.keys(base.defaultOptions ?? {}).length === 0) return base;
  return Object.create(base, { defaultOptions: { value: {}, writable: true } }) as ChatModelLike;
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
    const [, { tools, ...settings }] = separate(base, config);
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
        root: rootOf(inner, wrapping),
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

/** A configurable model answers `withConfig` with a new one of other defaults, tools still bound. */
function rootOf(inner: ChatModelLike, { root }: Wrapping): ChatModelLike {
  if (!isConfigurable(inner)) return root;
  return Object.create(inner, {
    _queuedMethodOperations: { value: {} },
    _modelInstanceCache: { value: new Map() },
  }) as ChatModelLike;
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

async function invokeSeam(
  wrapping: Wrapping,
  input: unknown,
  options: Record<string, unknown> = {},
): Promise<AIMessage> {
  const { base } = wrapping;
  const [config, given] = separate(base, options);
  return throughModelSeam({
    ...callOf(wrapping, given),
    model: await concreteModel(wrapping.root, options),
    messages: messagesOf(input),
    asItCame: () => base.invoke(input, carried(options, config)),
    asChanged: (changed) => {
      const { runnable, callOptions } = applyChanges(changed);
      return runnable.invoke(changed.messages, { ...carried(config, config), ...callOptions });
    },
  });
}

async function* streamSeam(
  wrapping: Wrapping,
  input: unknown,
  options: Record<string, unknown> = {},
): AsyncGenerator<AIMessageChunk> {
  const { base } = wrapping;
  const [config, given] = separate(base, options);
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
    ...callOf(wrapping, given),
    model: await concreteModel(wrapping.root, options),
    messages: messagesOf(input),
    asItCame: () => drain(streamOf(base, input, carried(options, config))),
    asChanged: async (changed) => {
      const { runnable, callOptions } = applyChanges(changed);
      const all = { ...carried(config, config), ...callOptions };
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
async function generateSeam(
  generate: Callable | undefined,
  { base }: Wrapping,
  values: unknown[],
): Promise<unknown> {
  const work = (): unknown => Reflect.apply(generate as Callable, base, values);
  if (!modelSeamActive()) return work();
  reportUnwrapped("model", "generate");
  const call: CallScope = { kind: "model", id: "generate", passed: new Set() };
  return withScope({ ...ambientScope(), call }, work);
}

function callOf(
  wrapping: Wrapping,
  given: Readonly<Record<string, unknown>>,
): {
  identity: object;
  perCall: boolean;
  siteName: string | undefined;
  tools: readonly unknown[];
  settings: Record<string, unknown>;
} {
  const { tools: formatted, ...settings } = given;
  const tools = wrapping.tools ?? (Array.isArray(formatted) ? (formatted as unknown[]) : []);
  const bound = Object.entries({ ...wrapping.settings, ...settings });
  return {
    identity: wrapping.identity,
    perCall: wrapping.perCall,
    siteName: wrapping.site,
    tools,
    settings: Object.fromEntries(
      bound.filter(([key, value]) => value !== undefined && key !== "signal"),
    ),
  };
}

/** The runnable a changed call is made on, nothing of Evenkeel around it any more. */
function applyChanges(changed: ChangedCall): {
  runnable: ChatModelLike;
  callOptions: Readonly<Record<string, unknown>>;
} {
  const model = (wrappingOf(changed.model)?.base ?? changed.model) as ChatModelLike;
  const { tools, settings } = changed;
  if (tools.length === 0 || model.bindTools === undefined) {
    const { tool_choice: _none, ...callOptions } = settings;
    return { runnable: model, callOptions };
  }
  const { outputVersion: _version, ...kwargs } = settings;
  return { runnable: model.bindTools([...tools], kwargs) as ChatModelLike, callOptions: settings };
}

function streamOf(
  base: ChatModelLike,
  input: unknown,
  options: Record<string, unknown> | undefined,
): AsyncGenerator<AIMessageChunk> {
  if (!isConfigurable(base)) return base._streamIterator(input, options ?? {});
  return (async function* () {
    yield* await base.stream(input, options);
  })();
}

/** What a middleware is shown: a configurable model as the one it is in this call. */
async function concreteModel(root: ChatModelLike, options: unknown): Promise<object> {
  return isConfigurable(root) ? ((await root._getModelInstance?.(options)) ?? root) : root;
}

function isConfigurable(base: ChatModelLike): boolean {
  return "_queuedMethodOperations" in base && typeof base._getModelInstance === "function";
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

/** Options of a call that has passed the seam: nothing in it is left to be watched for. */
function carried(
  options: Record<string, unknown>,
  config: Record<string, unknown>,
): Record<string, unknown> {
  const callbacks = unwatched(config["callbacks"]);
  return callbacks === config["callbacks"] ? options : { ...options, callbacks };
}

interface Separating {
  _separateRunnableConfigFromCallOptions?(
    options: Record<string, unknown>,
  ): [Record<string, unknown>, Record<string, unknown>];
}

function separate(
  base: ChatModelLike,
  options: Record<string, unknown>,
): [Record<string, unknown>, Record<string, unknown>] {
  const model = base as Separating;
  const [config, rest] = model._separateRunnableConfigFromCallOptions?.(options) ?? [{}, options];
  const entries = Object.entries(rest);
  const ofGraph = entries.filter(([key]) => GRAPH_CONFIG.has(key));
  const callOptions = entries.filter(([key]) => !GRAPH_CONFIG.has(key));
  return [{ ...config, ...Object.fromEntries(ofGraph) }, Object.fromEntries(callOptions)];
}

// A node that hands its config to the model hands over these as well: nothing of a call's settings.
const GRAPH_CONFIG: ReadonlySet<string> = new Set([
  "checkpointDuring",
  "context",
  "control",
  "durability",
  "executionInfo",
  "heartbeat",
  "interrupt",
  "interruptAfter",
  "interruptBefore",
  "outputKeys",
  "serverInfo",
  "store",
  "streamMode",
  "toolCall",
  "toolCallId",
  "writer",
]);

interface PromptLike {
  toChatMessages(): BaseMessage[];
}

function messagesOf(input: unknown): BaseMessage[] {
  const model = BaseLanguageModel as unknown as {
    _convertInputToPromptValue(input: unknown): PromptLike;
  };
  return model._convertInputToPromptValue(input).toChatMessages();
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return typeof value === "object"
    ? `an object of ${value.constructor?.name ?? "no class"}`
    : `a ${typeof value}`;
}
