import { startOpenAIEndpoint } from "@evenkeel/testing";
import type { ChatRequest } from "@evenkeel/testing";
import { ChatOpenAI } from "@langchain/openai";

/** A model, and how to let go of it. */
export interface ModelHandle {
  readonly model: ChatOpenAI;
  close(): Promise<void>;
}

/** The real model where OPENAI_API_KEY is set, else a scripted one behind a local endpoint. */
export async function openModel(): Promise<ModelHandle> {
  const apiKey = process.env["OPENAI_API_KEY"];
  const name = process.env["OPENAI_MODEL"] ?? "gpt-5.2";
  if (apiKey !== undefined && apiKey !== "") {
    return { model: new ChatOpenAI({ model: name, apiKey }), close: async () => undefined };
  }
  const endpoint = await startOpenAIEndpoint({ script: reply });
  const model = new ChatOpenAI({
    model: name,
    apiKey: "none-needed-locally",
    maxRetries: 0,
    configuration: { baseURL: endpoint.url },
  });
  return { model, close: () => endpoint.close() };
}

/** Asks for a hundred invoices, unless it was told what the service answers in time. */
function reply({ messages }: ChatRequest) {
  const text = JSON.stringify(messages);
  const total = /\\"total\\":(\d+)/.exec(text)?.[1];
  if (total !== undefined) return { content: `The newest invoices come to ${total} euros.` };
  const told = /up to (\d+) is answered/.exec(text)?.[1];
  return { toolCalls: [{ name: "list_invoices", args: { page_size: Number(told ?? 100) } }] };
}
