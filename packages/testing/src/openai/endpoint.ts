import { randomUUID } from "node:crypto";

import { createConditionWaiters } from "../endpoint/condition-waiters.ts";
import { EndpointError, toEndpointError } from "../endpoint/endpoint-error.ts";
import { parseJson } from "../endpoint/http-body.ts";
import { type Exchange, sendJson, startLoopbackServer } from "../endpoint/loopback-server.ts";
import { createRequestRecord, type RecordedRequest } from "../endpoint/request-record.ts";
import { createAttemptCounter } from "../model/conversation-turn.ts";
import { requireInteger } from "../option-checks.ts";
import { errorBody, sendAnswer } from "./answer.ts";
import { buildCompletion } from "./completion.ts";
import { createPromptCache } from "./prompt-cache.ts";
import { type ChatRequest, checkToolMessages, isChatRequest } from "./request.ts";
import { type ChatReply, type ChatScript, toScriptFunction } from "./script.ts";

export interface OpenAIEndpointOptions {
  /** What the model answers: turns in order of arrival, or a function of the request. */
  script: ChatScript;
  /** Port on 127.0.0.1. @default 0, any free one */
  port?: number;
  /** Requested model name to the dated name in the response. @default {} */
  aliases?: Readonly<Record<string, string>>;
  /** Names that can be called; others get a 404. @default every name */
  models?: readonly string[];
  /** Characters in one chunk of a streamed answer. @default 12 */
  chunkChars?: number;
  /** Counts tokens of repeated prompt prefixes as cached from so many on. @default never */
  promptCacheMinTokens?: number;
  /** Refuses unanswered tool calls with a 400, as the real service does. @default true */
  checkMessages?: boolean;
  /** Largest request body, in bytes. @default 268435456 */
  maxBodyBytes?: number;
  /** Source of the unique part of ids. @default randomUUID */
  createId?: () => string;
  /** Clock, in epoch milliseconds. @default Date.now */
  now?: () => number;
}

/** A running OpenAI-compatible endpoint. */
export interface OpenAIEndpoint {
  /** Base URL for clients, `http://127.0.0.1:PORT/v1`. */
  readonly url: string;
  readonly port: number;
  /** Every chat request as received; also at `GET /__requests` for other processes. */
  readonly requests: readonly RecordedRequest<ChatRequest>[];
  /** Lets a name answer as another from now on, as when a provider moves an alias. */
  setAlias(model: string, answersAs: string): void;
  /** Resolves once so many chat requests are on record. */
  waitForRequests(count: number): Promise<void>;
  /** Empties the record. */
  clear(): void;
  /** Stops, cutting what hangs. */
  close(): Promise<void>;
}

/**
 * Starts an OpenAI-compatible HTTP server on the loopback interface, whose model follows a script:
 * the whole wire (streaming, tool calls, usage, faults) without an account or a network.
 *
 * @example
 * const endpoint = await startOpenAIEndpoint({ script: replyByTurn([{ content: "Hello." }]) });
 * const model = new ChatOpenAI({ model: "gpt-5.2", apiKey: "x", configuration: { baseURL: endpoint.url } });
 */
export async function startOpenAIEndpoint(options: OpenAIEndpointOptions): Promise<OpenAIEndpoint> {
  const { port, models, promptCacheMinTokens, checkMessages = true } = options;
  const { maxBodyBytes, createId = randomUUID, now = Date.now } = options;
  const chunkChars = requireInteger("chunkChars", options.chunkChars ?? 12, 1);
  const aliases: Record<string, string> = { ...options.aliases };
  const script = toScriptFunction(options.script);
  const countAttempt = createAttemptCounter();
  const cachedTokensOf =
    promptCacheMinTokens === undefined ? () => 0 : createPromptCache(promptCacheMinTokens);
  const record = createRequestRecord<ChatRequest>(now);
  const waiters = createConditionWaiters();

  async function handle(exchange: Exchange): Promise<void> {
    const { method, path, response } = exchange;
    if (method === "POST" && path === "/v1/chat/completions") return complete(exchange);
    if (method === "GET" && path === "/v1/models") return sendJson(response, 200, modelList());
    if (method === "GET" && path === "/__requests") {
      return sendJson(response, 200, record.requests);
    }
    throw new EndpointError("not-found", `${method} ${path} is not served here`, { status: 404 });
  }

  async function complete(exchange: Exchange): Promise<void> {
    const rawBody = exchange.body.toString("utf8");
    const parsed = parseJson(rawBody);
    const request = isChatRequest(parsed) ? parsed : undefined;
    const { index } = record.add(exchange, rawBody, request);
    waiters.wake();
    if (request === undefined) {
      const message = "the body is not a JSON object with a model and messages that have a role";
      throw new EndpointError("invalid-request", message, { status: 400 });
    }
    const { model } = request;
    if (models !== undefined && !models.includes(model)) {
      const message = `The model "${model}" does not exist; there are: ${models.join(", ")}`;
      return sendJson(exchange.response, 404, errorBody(404, "model_not_found", message));
    }
    if (checkMessages) checkToolMessages(request.messages);

    const reply = await replyTo(request, { index, attempt: countAttempt(rawBody) });
    const cachedTokens = cachedTokensOf(request);
    const completion = buildCompletion(request, reply, { aliases, cachedTokens, createId, now });
    const streamed = request.stream === true;
    const includeUsage = request.stream_options?.include_usage === true;
    await sendAnswer(exchange, { reply, completion, streamed, includeUsage, chunkChars });
  }

  async function replyTo(
    request: ChatRequest,
    context: { index: number; attempt: number },
  ): Promise<ChatReply> {
    try {
      return await script(request, context);
    } catch (error) {
      if (error instanceof EndpointError) throw error;
      const { message } = toEndpointError(error);
      throw new EndpointError("script-failed", message, { status: 400, cause: error });
    }
  }

  function modelList(): unknown {
    const names = models ?? [...new Set(Object.entries(aliases).flat())];
    const created = Math.floor(now() / 1000);
    const data = names.map((id) => ({ id, object: "model", created, owned_by: "evenkeel" }));
    return { object: "list", data };
  }

  const server = await startLoopbackServer({
    handle,
    describeError: ({ status, code, message }) => errorBody(status, code, message),
    ...(port === undefined ? {} : { port }),
    ...(maxBodyBytes === undefined ? {} : { maxBodyBytes }),
  });
  return {
    url: `${server.origin}/v1`,
    port: server.port,
    requests: record.requests,
    setAlias: (model, answersAs) => {
      aliases[model] = answersAs;
    },
    waitForRequests: (count) => waiters.until(() => record.requests.length >= count),
    clear: record.clear,
    close: async () => {
      waiters.close();
      await server.close();
    },
  };
}
