import { memoryStore, withMiddleware, wrapTools } from "@evenkeel/core";
import type { Middleware } from "@evenkeel/core";
import { offloadMarkOf, toolResultOffloadMiddleware } from "@evenkeel/tool-result-offload";
import { ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { z } from "zod";

import type { CorpusResult } from "./result-corpus.ts";

/** What a threshold keeps out of the context. */
export interface KeptOut {
  readonly thresholdKiB: number;
  readonly results: number;
  readonly offloaded: number;
  readonly bytes: number;
  readonly bytesKeptOut: number;
  readonly tokens: number;
  readonly tokensKeptOut: number;
  /** Offloaded results that came back byte by byte through `read_tool_result`. */
  readonly exact: number;
}

/** A tool's answer and what stood in its place. */
interface Answered {
  readonly text: string;
  readonly message: ToolMessage;
  /** What the reading tool gave back, page by page; undefined where the result stayed. */
  readonly recalled: Buffer | undefined;
}

/** Has a tool answer with every result of a corpus inside a graph, and the reading tool read all back. */
export async function measureKeptOut(
  corpus: readonly CorpusResult[],
  thresholdKiB: number,
): Promise<KeptOut> {
  const sum = { offloaded: 0, bytes: 0, bytesKeptOut: 0, tokens: 0, tokensKeptOut: 0, exact: 0 };
  const runs = new Map<string, string[]>();
  for (const { run, text } of corpus) runs.set(run, [...(runs.get(run) ?? []), text]);
  for (const [run, texts] of runs) {
    for (const { text, message, recalled } of await answersOf(run, texts, thresholdKiB)) {
      const [bytes, tokens] = [Buffer.byteLength(text), tokensOf(text)];
      sum.bytes += bytes;
      sum.tokens += tokens;
      if (recalled === undefined) continue;
      sum.offloaded += 1;
      sum.bytesKeptOut += bytes - Buffer.byteLength(message.text);
      sum.tokensKeptOut += tokens - tokensOf(message.text);
      if (recalled.equals(Buffer.from(text))) sum.exact += 1;
    }
  }
  return { thresholdKiB, results: corpus.length, ...sum };
}

async function answersOf(
  thread: string,
  texts: readonly string[],
  thresholdKiB: number,
): Promise<Answered[]> {
  const middleware = toolResultOffloadMiddleware({
    store: memoryStore(),
    maxBytes: thresholdKiB * 1024,
    maxTokens: Number.MAX_SAFE_INTEGER,
    // The pages of a real model would be smaller, and more.
    tools: { limits: { maxTokens: 8_000 } },
  });
  const [answer, read] = wrapTools([answeringWith(texts), readingTool(middleware)]);
  const answers: Answered[] = [];
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("loop", async () => {
      for (const [index, text] of texts.entries()) {
        const message = await called(answer, { index }, `call-${index}`);
        const handle = offloadMarkOf(message)?.handle ?? undefined;
        const recalled = handle === undefined ? undefined : await recall(read, handle);
        answers.push({ text, message, recalled });
      }
      return {};
    })
    .addEdge(START, "loop")
    .compile();
  await withMiddleware(graph, [middleware]).invoke(
    { messages: [] },
    { configurable: { thread_id: thread } },
  );
  return answers;
}

async function recall(read: StructuredToolInterface | undefined, handle: string): Promise<Buffer> {
  const pages: Buffer[] = [];
  for (let offset: string | undefined = "0"; offset !== undefined;) {
    const { text, status } = await called(read, { handle, offset: Number(offset) }, offset);
    if (status === "error") throw new Error(text);
    const [, head = "", page = ""] =
      /^\[(.*?)\]\n\[begin .*?\]\n([^]*)\n\[end .*?\]\n\[.*?\]$/.exec(text) ?? [];
    pages.push(Buffer.from(page, head.includes(" in base64") ? "base64" : "utf8"));
    offset = /\[Next: offset (\d+)\]$/.exec(text)?.[1];
  }
  return Buffer.concat(pages);
}

async function called(
  callee: StructuredToolInterface | undefined,
  args: Record<string, unknown>,
  id: string,
): Promise<ToolMessage> {
  const call = { type: "tool_call" as const, name: callee?.name ?? "", args, id };
  const message: unknown = await callee?.invoke(call);
  if (!ToolMessage.isInstance(message)) throw new Error(`${call.name} gave no message.`);
  return message;
}

function answeringWith(texts: readonly string[]): StructuredToolInterface {
  return tool(({ index }: { index: number }) => texts[index] ?? "", {
    name: "fetch",
    description: "one result of the corpus",
    schema: z.object({ index: z.number() }),
  });
}

function readingTool({ tools = [] }: Middleware): StructuredToolInterface {
  const named = tools as readonly StructuredToolInterface[];
  const found = named.find(({ name }) => name === "read_tool_result");
  if (found === undefined) throw new Error("There is no reading tool.");
  return found;
}

const SLICE_CHARS = 2_000;

// Byte-pair merging is quadratic in runs without spaces.
function tokensOf(text: string): number {
  let tokens = 0;
  for (let start = 0; start < text.length; start += SLICE_CHARS) {
    const slice = text.slice(start, start + SLICE_CHARS);
    tokens += countTokens(slice, { disallowedSpecial: new Set() });
  }
  return tokens;
}
