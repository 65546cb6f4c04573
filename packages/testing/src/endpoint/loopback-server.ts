import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

import { requireInteger } from "../option-checks.ts";
import { EndpointError, toEndpointError } from "./endpoint-error.ts";
import { readBody } from "./http-body.ts";

const MEBIBYTE = 1024 * 1024;

/** One request with its body read, and the response it waits for. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
  /** Aborts when the client goes away or the server closes before the answer is complete. */
  readonly signal: AbortSignal;
}

/** A plain HTTP server on 127.0.0.1. */
export interface LoopbackServer {
  readonly origin: string;
  readonly port: number;
  /** Stops listening and cuts every connection, those that hang too. */
  close(): Promise<void>;
}

export interface LoopbackServerOptions {
  /** Port to listen on. @default 0, any free one */
  port?: number;
  /** Largest body accepted, in bytes. @default 268435456 */
  maxBodyBytes?: number;
  handle: (exchange: Exchange) => Promise<void>;
  /** The JSON body that tells a client of an error. */
  describeError: (error: EndpointError) => unknown;
}

/** Starts a loopback server; errors a handler throws become coded JSON answers. */
export async function startLoopbackServer(options: LoopbackServerOptions): Promise<LoopbackServer> {
  const { handle, describeError } = options;
  const port = requireInteger("port", options.port ?? 0, 0, 65_535);
  const maxBodyBytes = requireInteger("maxBodyBytes", options.maxBodyBytes ?? 256 * MEBIBYTE, 1);

  const server = createServer((request, response) => {
    const abort = new AbortController();
    response.on("close", () => {
      if (!response.writableFinished) abort.abort();
    });
    void answer(request, response, abort.signal).catch((error: unknown) => {
      if (abort.signal.aborted) return;
      if (response.headersSent) response.destroy();
      else {
        const coded = toEndpointError(error);
        sendJson(response, coded.status, describeError(coded));
      }
    });
  });

  // A client that is busy for longer than Node's five seconds would send into a connection just closed.
  server.keepAliveTimeout = 0;

  async function answer(
    request: IncomingMessage,
    response: ServerResponse,
    signal: AbortSignal,
  ): Promise<void> {
    const url = new URL(request.url ?? "/", "http://loopback");
    const body = await readBody(request, maxBodyBytes);
    const method = request.method ?? "GET";
    const { pathname: path, searchParams: query } = url;
    await handle({ request, response, method, path, query, body, signal });
  }

  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => {
      const message = `port ${port} on 127.0.0.1 cannot be listened on: ${error.message}`;
      reject(new EndpointError("port-unavailable", message, { cause: error }));
    });
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  const listening = typeof address === "object" && address !== null ? address.port : port;

  let closing: Promise<void> | undefined;
  return {
    origin: `http://127.0.0.1:${listening}`,
    port: listening,
    close: () => {
      closing ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return closing;
    },
  };
}

/** Answers with a JSON body. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(text)),
    ...headers,
  });
  response.end(text);
}
