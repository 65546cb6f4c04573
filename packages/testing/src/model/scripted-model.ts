import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import type { BaseLanguageModelInput } from "@langchain/core/language_models/base";
import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BaseChatModelParams,
  type BindToolsInput,
  type LangSmithParams,
} from "@langchain/core/language_models/chat_models";
import type { AIMessageChunk, BaseMessage } from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";
import type { Runnable } from "@langchain/core/runnables";
import { convertToOpenAITool } from "@langchain/core/utils/function_calling";

import { requireInteger } from "../option-checks.ts";
import { createAttemptCounter } from "./conversation-turn.ts";
import {
  answerChunks,
  answerMessage,
  type ScriptedAnswer,
  settleAnswer,
} from "./scripted-answer.ts";
import {
  conversationText,
  decideReply,
  type ScriptedCall,
  type ScriptedReply,
  type ScriptedTurns,
} from "./scripted-turn.ts";

/** Options of a call; `tools` is what `bindTools` put there. */
export interface ScriptedCallOptions extends BaseChatModelCallOptions {
  tools?: ReturnType<typeof convertToOpenAITool>[];
}

/** Settings of a scripted model, besides its turns. */
export interface ScriptedModelOptions extends BaseChatModelParams {
  /** @default "scripted" */
  model?: string;
  temperature?: number;
  maxTokens?: number;
  seed?: number;
  /** Characters in one chunk of a streamed answer. @default 12 */
  chunkChars?: number;
  /** Source of the unique part of ids. @default randomUUID */
  createId?: () => string;
}

interface ScriptedModelFields extends ScriptedModelOptions {
  turns: ScriptedTurns;
  /** Kept in `lc_kwargs`, so that a model rebuilt from them goes on in the same record. */
  record?: CallRecord;
}

interface CallRecord {
  readonly calls: ScriptedCall[];
  readonly countAttempt: (text: string) => number;
}

/**
 * A chat model that follows a script inside the process: whole and streamed answers, tool calls,
 * usage and errors, chosen by the conversation. It can be rebuilt with other settings by
 * `new model.constructor({ ...model.lc_kwargs, temperature })`.
 */
export class ScriptedModel extends BaseChatModel<ScriptedCallOptions> {
  readonly model: string;
  readonly temperature: number | undefined;
  readonly maxTokens: number | undefined;
  readonly seed: number | undefined;
  readonly #turns: ScriptedTurns;
  readonly #record: CallRecord;
  readonly #chunkChars: number;
  readonly #createId: () => string;

  constructor(fields: ScriptedModelFields) {
    const record = fields.record ?? { calls: [], countAttempt: createAttemptCounter() };
    const kept: ScriptedModelFields = { ...fields, record };
    super(kept);
    this.model = fields.model ?? "scripted";
    this.temperature = fields.temperature;
    this.maxTokens = fields.maxTokens;
    this.seed = fields.seed;
    this.#turns = fields.turns;
    this.#record = record;
    this.#chunkChars = requireInteger("chunkChars", fields.chunkChars ?? 12, 1);
    this.#createId = fields.createId ?? randomUUID;
  }

  /** Every call so far, of models rebuilt from this one too. */
  get calls(): readonly ScriptedCall[] {
    return this.#record.calls;
  }

  override _llmType(): string {
    return "scripted";
  }

  override getLsParams(options: this["ParsedCallOptions"]): LangSmithParams {
    return {
      ...super.getLsParams(options),
      ls_provider: "scripted",
      ls_model_name: this.model,
      ...(this.temperature === undefined ? {} : { ls_temperature: this.temperature }),
      ...(this.maxTokens === undefined ? {} : { ls_max_tokens: this.maxTokens }),
    };
  }

  override invocationParams(options?: this["ParsedCallOptions"]): Record<string, unknown> {
    const parameters = {
      model: this.model,
      temperature: this.temperature,
      max_tokens: this.maxTokens,
      seed: this.seed,
      stop: options?.stop,
      tools: options?.tools,
      tool_choice: options?.tool_choice,
    };
    return Object.fromEntries(
      Object.entries(parameters).filter(([, value]) => value !== undefined),
    );
  }

  override bindTools(
    tools: BindToolsInput[],
    options: Partial<ScriptedCallOptions> = {},
  ): Runnable<BaseLanguageModelInput, AIMessageChunk, ScriptedCallOptions> {
    return this.withConfig({ ...options, tools: tools.map((tool) => convertToOpenAITool(tool)) });
  }

  override async _generate(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
  ): Promise<ChatResult> {
    const { reply, answer } = await this.#answer(messages, options);
    if (reply.error !== undefined) throw reply.error;
    const { input_tokens, output_tokens, total_tokens } = answer.usage;
    return {
      generations: [{ text: answer.content, message: answerMessage(answer) }],
      llmOutput: {
        tokenUsage: {
          promptTokens: input_tokens,
          completionTokens: output_tokens,
          totalTokens: total_tokens,
        },
      },
    };
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const { reply, answer } = await this.#answer(messages, options);
    const { error, errorAfterChunks = 0 } = reply;
    for (const [index, message] of answerChunks(answer, this.#chunkChars).entries()) {
      if (error !== undefined && index >= errorAfterChunks) break;
      options.signal?.throwIfAborted();
      const chunk = new ChatGenerationChunk({ text: message.text, message });
      yield chunk;
      await runManager?.handleLLMNewToken(chunk.text, undefined, undefined, undefined, undefined, {
        chunk,
      });
    }
    if (error !== undefined) throw error;
  }

  async #answer(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
  ): Promise<{ reply: ScriptedReply; answer: ScriptedAnswer }> {
    options.signal?.throwIfAborted();
    const { calls, countAttempt } = this.#record;
    const promptText = conversationText(messages);
    const attempt = countAttempt(promptText);
    const parameters = this.invocationParams(options);
    const call = { index: calls.length, attempt, messages: [...messages], parameters };
    calls.push(call);
    const reply = await decideReply(this.#turns, call);
    if (reply.delayMs !== undefined) {
      const { signal } = options;
      await sleep(reply.delayMs, undefined, signal === undefined ? {} : { signal });
    }
    const toolNames = (options.tools ?? []).map((tool) => tool.function.name);
    const settings = { model: this.model, promptText, toolNames, createId: this.#createId };
    return { reply, answer: settleAnswer(reply, settings) };
  }
}

/**
 * Makes a chat model that answers by a script, inside the process.
 *
 * @example
 * const model = scriptedModel([{ toolCalls: [{ name: "search", args: {} }] }, { content: "Done." }]);
 */
export function scriptedModel(
  turns: ScriptedTurns,
  options: ScriptedModelOptions = {},
): ScriptedModel {
  return new ScriptedModel({ ...options, turns });
}
