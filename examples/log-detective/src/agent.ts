import { memoryStore, withMiddleware } from "@evenkeel/core";
import { toolResultOffloadMiddleware } from "@evenkeel/tool-result-offload";
import { MemorySaver } from "@langchain/langgraph";
import { ChatOpenAI } from "@langchain/openai";
import { createAgent } from "langchain";

import { tools } from "./tools.ts";

const PROMPT = `You find out what happened in a web shop at night. Fetch what you need once; then search
the log by regular expression and query the export, instead of reading them. Answer in one sentence.`;

/** An ordinary agent of LangChain; one line keeps its large results out of the context. */
export function logDetective(baseURL: string | undefined) {
  const model = new ChatOpenAI({
    model: "gpt-5.2",
    apiKey: process.env["OPENAI_API_KEY"] ?? "none-needed-locally",
    configuration: baseURL === undefined ? {} : { baseURL },
  });
  // In production: evenkeelPostgres(pool), and the Postgres checkpointer.
  const offload = toolResultOffloadMiddleware({ store: memoryStore() });
  const agent = createAgent({
    model,
    tools,
    systemPrompt: PROMPT,
    middleware: [offload],
    checkpointer: new MemorySaver(),
  });
  return withMiddleware(agent);
}
