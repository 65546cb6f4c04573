import { BaseLanguageModel } from "@langchain/core/language_models/base";
import type { AIMessage, AIMessageChunk, BaseMessage } from "@langchain/core/messages";

/** A method of a model whose values are handed on as they come. */
export type Callable = (...values: unknown[]) => unknown;

/** The parts of a chat model the seam uses; every BaseChatModel and ConfigurableModel has them. */
export interface ChatModelLike {
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

/** True for a chat model of any installed copy of LangChain, a configurable one included. */
export function isChatModel(model: unknown): boolean {
  if (typeof model !== "object" || model === null) return false;
  return (
    BaseLanguageModel.isPrototypeOf(model.constructor) ||
    ("_llmType" in model && "invoke" in model && "_streamIterator" in model)
  );
}

/** True for a model of `initChatModel`, which resolves to another one with each call. */
export function isConfigurable(base: ChatModelLike): boolean {
  return "_queuedMethodOperations" in base && typeof base._getModelInstance === "function";
}

/** What a middleware is shown: a configurable model as the one it is in this call. */
export async function concreteModel(root: ChatModelLike, options: unknown): Promise<object> {
  return (await root._getModelInstance?.(options)) ?? root;
}

/** The model without the call options that were bound to it before it was wrapped. */
export function withoutDefaults(base: ChatModelLike): ChatModelLike {
  if (Object.keys(base.defaultOptions ?? {}).length === 0) return base;
  return Object.create(base, { defaultOptions: { value: {}, writable: true } }) as ChatModelLike;
}

/** A configurable model answers `withConfig` with a new one of other defaults, tools still bound. */
export function withoutQueue(model: ChatModelLike): ChatModelLike {
  return Object.create(model, {
    _queuedMethodOperations: { value: {} },
    _modelInstanceCache: { value: new Map() },
  }) as ChatModelLike;
}

/** The stream of a model, from wherever its class gives it. */
export function streamOf(
  base: ChatModelLike,
  input: unknown,
  options: Record<string, unknown> | undefined,
): AsyncGenerator<AIMessageChunk> {
  if (!isConfigurable(base)) return base._streamIterator(input, options ?? {});
  return (async function* () {
    yield* await base.stream(input, options);
  })();
}

interface PromptLike {
  toChatMessages(): BaseMessage[];
}

/** Whatever a chat model takes for input, as messages. */
export function messagesOf(input: unknown): BaseMessage[] {
  const model = BaseLanguageModel as unknown as {
    _convertInputToPromptValue(input: unknown): PromptLike;
  };
  return model._convertInputToPromptValue(input).toChatMessages();
}
