import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";

import { EndpointError } from "./endpoint-error.ts";

/** Reads a request body whole, gunzipped if it came so, refusing more than `maxBytes` of it. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of decoded(request)) {
      const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
      size += bytes.length;
      // The rest is read and dropped: a client that is still sending would not see our answer.
      if (size <= maxBytes) chunks.push(bytes);
      else chunks.length = 0;
    }
  } catch (error) {
    throw new EndpointError("body-unreadable", "the request body could not be read", {
      status: 400,
      cause: error,
    });
  }
  if (size > maxBytes) {
    throw new EndpointError("body-too-large", `the body has ${size} bytes, allowed ${maxBytes}`, {
      status: 413,
    });
  }
  return Buffer.concat(chunks);
}

function decoded(request: IncomingMessage): Readable {
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding === "identity") return request;
  if (encoding === "gzip") {
    const gunzip = createGunzip();
    request.on("error", (error) => gunzip.destroy(error));
    return request.pipe(gunzip);
  }
  throw new Error(`content-encoding "${encoding}" is not supported, only gzip`);
}

/** A JSON value, or `undefined` where the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}
