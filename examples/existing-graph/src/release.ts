import type { BaseCheckpointSaver } from "@langchain/langgraph";
import type { ChatOpenAI } from "@langchain/openai";

/** One version of the agent's code, as far as a deploy changes it. */
export interface Release {
  readonly prompt: string;
  readonly model: ChatOpenAI;
  readonly checkpointer: BaseCheckpointSaver;
}
