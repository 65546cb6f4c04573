import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BindToolsInput,
} from "@langchain/core/language_models/chat_models";
import { AIMessage, type AIMessageChunk, type BaseMessage } from "@langchain/core/messages";
import type { ChatResult } from "@langchain/core/outputs";
import type { Runnable } from "@langchain/core/runnables";

import type { Recording } from "./recording.ts";

interface RecordedCallOptions extends BaseChatModelCallOptions {
  tools?: BindToolsInput[];
}

/** The run was cut off after its last calls were answered: nobody knows what the model would have said. */
export class RecordingOver extends Error {}

/** A chat model that says again what was recorded: its n-th call gets the n-th reply. */
export class RecordedModel extends BaseChatModel<RecordedCallOptions> {
  readonly #recording: () => Recording;

  constructor(recording: () => Recording) {
    super({});
    this.#recording = recording;
  }

  override _llmType(): string {
    return "recorded";
  }

  override bindTools(
    tools: BindToolsInput[],
    options: Partial<RecordedCallOptions> = {},
  ): Runnable<BaseMessage[], AIMessageChunk, RecordedCallOptions> {
    return this.withConfig({ ...options, tools });
  }

  override async _generate(messages: BaseMessage[]): Promise<ChatResult> {
    const { steps, failedWith } = this.#recording();
    const index = messages.filter((message) => AIMessage.isInstance(message)).length;
    const step = steps[index];
    if (step === undefined)
      throw failedWith === undefined ? new RecordingOver() : new Error(failedWith);
    const { turn, tokens = { input: 0, output: 0 } } = step;
    const fields = {
      id: `reply-${index}`,
      content: turn.text,
      tool_calls: turn.calls.map(({ id, tool, arguments: args }) => ({ id, name: tool, args })),
      usage_metadata: {
        input_tokens: tokens.input,
        output_tokens: tokens.output,
        total_tokens: tokens.input + tokens.output,
      },
    };
    const message = new AIMessage(fields as ConstructorParameters<typeof AIMessage>[0]);
    return { generations: [{ text: turn.text, message }] };
  }
}
