import { startOpenAIEndpoint } from "@evenkeel/testing";
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import type { BaseMessage, UsageMetadata } from "@langchain/core/messages";

import { logDetective } from "./agent.ts";
import { gatewayLog } from "./gateway-log.ts";
import { orders } from "./orders.ts";
import { questions } from "./questions.ts";
import { scriptedDetective } from "./scripted-detective.ts";
import { transcriptOf } from "./transcript.ts";

const scripted = process.env["OPENAI_API_KEY"] === undefined;
const endpoint = scripted ? await startOpenAIEndpoint({ script: scriptedDetective }) : undefined;
const detective = logDetective(endpoint?.url);
const thread = { configurable: { thread_id: "the night of March 14" } };

/** The conversation so far, once the detective has answered. */
async function ask(question: string): Promise<BaseMessage[]> {
  const state = await detective.invoke({ messages: [new HumanMessage(question)] }, thread);
  return state.messages;
}

const wrong: string[] = [];
let largestContext = 0;
let known = 0;
for (const { text, names } of questions) {
  const messages = await ask(text);
  const answer = messages.slice(known);
  known = messages.length;
  console.log(transcriptOf(answer));
  const said = answer.at(-1)?.text ?? "";
  if (!names.every((name) => said.includes(name))) wrong.push(text);
  for (const message of answer) {
    if (!AIMessage.isInstance(message)) continue;
    largestContext = Math.max(largestContext, tokensOf(message));
  }
}
await endpoint?.close();

function tokensOf(message: object): number {
  const { usage_metadata: usage } = message as { usage_metadata?: UsageMetadata };
  return usage?.input_tokens ?? 0;
}

const megabytes = (text: string): string => (Buffer.byteLength(text) / 1_000_000).toFixed(1);
console.log(
  `\nThe log has ${megabytes(gatewayLog())} MB and the export ${megabytes(JSON.stringify(orders))} MB; the largest request had ${largestContext.toLocaleString("en")} tokens.`,
);
if (wrong.length > 0) {
  console.error(`Answered wrong: ${wrong.join(" ")}`);
  process.exitCode = 1;
}
