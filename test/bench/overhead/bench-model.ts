import type { BaseLanguageModelInput } from "@langchain/core/language_models/base";
import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BindToolsInput,
} from "@langchain/core/language_models/chat_models";
import { AIMessage, type AIMessageChunk, type BaseMessage } from "@langchain/core/messages";
import type { ChatResult } from "@langchain/core/outputs";
import type { Runnable } from "@langchain/core/runnables";
import { convertToOpenAITool } from "@langchain/core/utils/function_calling";

import type { BaseClock } from "./base-clock.ts";

/** Call options; `tools` is what `bindTools` put there. */
interface BenchCallOptions extends BaseChatModelCallOptions {
  tools?: ReturnType<typeof convertToOpenAITool>[];
}

interface BenchModelFields {
  /** Tool calls, one a turn, before the final answer. */
  readonly toolCalls: number;
  readonly clock: BaseClock;
}

/**
 * A chat model that answers at once, inside the process, so that everything around the call weighs
 * the most it can. Ids are as long in the last turn as in the first: sizes are exact.
 */
export class BenchModel extends BaseChatModel<BenchCallOptions> {
  readonly #toolCalls: number;
  readonly #clock: BaseClock;

  constructor(fields: BenchModelFields) {
    super({});
    this.#toolCalls = fields.toolCalls;
    this.#clock = fields.clock;
  }

  override _llmType(): string {
    return "bench";
  }

  override bindTools(
    tools: BindToolsInput[],
    options: Partial<BenchCallOptions> = {},
  ): Runnable<BaseLanguageModelInput, AIMessageChunk, BenchCallOptions> {
    return this.withConfig({ ...options, tools: tools.map((tool) => convertToOpenAITool(tool)) });
  }

  override invoke(
    input: BaseLanguageModelInput,
    options?: Partial<BenchCallOptions>,
  ): Promise<AIMessageChunk> {
    return this.#clock.time("model", () => super.invoke(input, options));
  }

  override _generate(messages: BaseMessage[]): Promise<ChatResult> {
    const done = messages.filter(({ type }) => type === "tool").length;
    const turn = String(done).padStart(6, "0");
    const message =
      done < this.#toolCalls
        ? new AIMessage({
            id: `turn-${turn}`,
            content: "",
            tool_calls: [{ id: `call-${turn}`, name: "look_up_order", args: { order: turn } }],
          })
        : new AIMessage({ id: `turn-${turn}`, content: "The order is on its way." });
    return Promise.resolve({ generations: [{ text: message.text, message }] });
  }
}
