import type { IncomingHttpHeaders } from "node:http";

import type { Exchange } from "./loopback-server.ts";

/** A request as an endpoint received it. */
export interface RecordedRequest<Body = unknown> {
  /** Position among all requests since the endpoint started; `clear()` does not reset it. */
  readonly index: number;
  /** When its body was complete, in epoch milliseconds. */
  readonly at: number;
  readonly method: string;
  /** Path with its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The body's text (gunzipped where it came gzipped). */
  readonly rawBody: string;
  /** The body as JSON; `undefined` where it was not valid. */
  readonly body: Body | undefined;
}

/** What an endpoint received. */
export interface RequestRecord<Body> {
  readonly requests: readonly RecordedRequest<Body>[];
  readonly add: (
    exchange: Exchange,
    rawBody: string,
    body: Body | undefined,
  ) => RecordedRequest<Body>;
  readonly clear: () => void;
}

/** Starts an empty record. */
export function createRequestRecord<Body>(now: () => number): RequestRecord<Body> {
  const requests: RecordedRequest<Body>[] = [];
  let received = 0;
  return {
    requests,
    add: ({ method, request }, rawBody, body) => {
      const { headers, url: path = "/" } = request;
      const recorded = { index: received, at: now(), method, path, headers, rawBody, body };
      received += 1;
      requests.push(recorded);
      return recorded;
    },
    clear: () => {
      requests.length = 0;
    },
  };
}
