import { once } from "node:events";

import {
  failConnection,
  pause,
  retryAfterHeaders,
  type StatusFault,
  untilAborted,
} from "../endpoint/http-fault.ts";
import { type Exchange, sendJson } from "../endpoint/loopback-server.ts";
import type { ChatCompletion } from "./completion.ts";
import type { ChatReply } from "./script.ts";
import { completionChunks } from "./stream.ts";
import { textPieces } from "./text-pieces.ts";

/** How an answer is to be sent, and what is to go wrong with it. */
export interface AnswerPlan {
  reply: ChatReply;
  completion: ChatCompletion;
  streamed: boolean;
  includeUsage: boolean;
  /** Characters in one chunk of a streamed answer. */
  chunkChars: number;
}

/** The error body of the OpenAI API. */
export function errorBody(status: number, code: string, message: string): unknown {
  const type =
    status === 429 ? "requests" : status >= 500 ? "server_error" : "invalid_request_error";
  return { error: { message, type, param: null, code } };
}

/** Sends the answer whole or as server-sent events, with the reply's delay and fault. */
export async function sendAnswer(exchange: Exchange, plan: AnswerPlan): Promise<void> {
  const { response, signal } = exchange;
  const { reply, completion } = plan;
  const { fault } = reply;
  await pause(reply.delayMs ?? 0, signal);

  if (fault !== undefined && "status" in fault) return sendStatus(exchange, fault);
  if (fault?.kind === "context-length") return sendStatus(exchange, contextLength(completion));
  const breaks = fault?.kind === "reset" || fault?.kind === "hang" ? fault : undefined;
  if (breaks !== undefined && breaks.afterChunks === undefined) {
    return failConnection(breaks, response, signal);
  }

  const chunkDelayMs = fault?.kind === "slow" ? fault.chunkDelayMs : 0;
  const chunks = plan.streamed ? eventTexts(plan) : [...bodyPieces(plan)];
  const contentType = plan.streamed ? "text/event-stream; charset=utf-8" : "application/json";
  // A length makes a cut body an error for the client, where a missing chunk trailer may not.
  const length = Buffer.byteLength(chunks.join(""));
  response.writeHead(200, {
    "content-type": contentType,
    "x-request-id": completion.id,
    ...(plan.streamed ? { "cache-control": "no-cache" } : { "content-length": String(length) }),
  });
  response.flushHeaders();
  for (const [index, chunk] of chunks.entries()) {
    if (breaks?.afterChunks === index) break;
    await pause(chunkDelayMs, signal);
    if (!response.write(chunk)) await once(response, "drain", { signal });
  }
  if (breaks === undefined) response.end();
  // A reset would take back the bytes the client has not read yet: here the connection just ends.
  else if (breaks.kind === "reset") response.socket?.end();
  else await untilAborted(signal);
}

function sendStatus({ response }: Exchange, fault: StatusFault): void {
  const code = fault.code ?? (fault.status === 429 ? "rate_limit_exceeded" : "scripted_fault");
  const message = fault.message ?? `scripted fault with status ${fault.status}`;
  const headers = retryAfterHeaders(fault);
  sendJson(response, fault.status, errorBody(fault.status, code, message), headers);
}

function contextLength({ model, usage }: ChatCompletion): StatusFault {
  const message = `The messages have ${usage.prompt_tokens} tokens, more than the maximum context length of ${model}.`;
  return { status: 400, code: "context_length_exceeded", message };
}

function eventTexts(plan: AnswerPlan): string[] {
  const { completion, chunkChars, includeUsage, reply } = plan;
  const texts = completionChunks(completion, { chunkChars, includeUsage }).map(
    (chunk) => `data: ${JSON.stringify(chunk)}\n\n`,
  );
  if (isMalformed(reply)) texts.splice(1, 0, `data: {"id": "${completion.id}", \n\n`);
  return [...texts, "data: [DONE]\n\n"];
}

function bodyPieces({ completion, reply }: AnswerPlan): string[] {
  const text = JSON.stringify(completion);
  const sent = isMalformed(reply) ? text.slice(0, text.length / 2) : text;
  return textPieces(sent, Math.max(64, Math.ceil(sent.length / 8)));
}

function isMalformed({ fault }: ChatReply): boolean {
  return fault !== undefined && "kind" in fault && fault.kind === "malformed";
}
