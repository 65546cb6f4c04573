import { EndpointError } from "../endpoint/endpoint-error.ts";

/** One part of a multipart body. */
export interface MultipartPart {
  readonly name: string;
  /** Media type, without the parameters. */
  readonly contentType: string;
  readonly content: Buffer;
}

/** Takes a `multipart/form-data` body apart; `contentType` is the request's header. */
export function parseMultipart(body: Buffer, contentType: string | undefined): MultipartPart[] {
  const boundary = /boundary=(?:"([^"]+)"|([^;\s]+))/.exec(contentType ?? "");
  const name = boundary?.[1] ?? boundary?.[2];
  if (name === undefined) throw malformed(`no boundary in content-type "${contentType}"`);

  const parts: MultipartPart[] = [];
  const first = Buffer.from(`--${name}`);
  const delimiter = Buffer.from(`\r\n--${name}`);
  if (!body.subarray(0, first.length).equals(first)) throw malformed("no boundary at the start");
  let position = first.length;
  while (!startsWith(body, position, "--")) {
    const headerEnd = body.indexOf("\r\n\r\n", position);
    const end = headerEnd < 0 ? -1 : body.indexOf(delimiter, headerEnd + 2);
    if (end < 0) throw malformed(`cut off after ${parts.length} parts`);
    parts.push(readPart(body.toString("utf8", position, headerEnd), body, headerEnd + 4, end));
    position = end + delimiter.length;
  }
  return parts;
}

function readPart(headers: string, body: Buffer, start: number, end: number): MultipartPart {
  const name = /^content-disposition:.*?\bname="([^"]*)"/im.exec(headers)?.[1];
  if (name === undefined) throw malformed(`a part without a name: ${headers.trim()}`);
  const contentType = /^content-type:\s*([^;\r\n]*)/im.exec(headers)?.[1]?.trim() ?? "text/plain";
  return { name, contentType, content: body.subarray(start, Math.max(start, end)) };
}

function startsWith(body: Buffer, position: number, text: string): boolean {
  return body.toString("latin1", position, position + text.length) === text;
}

/** The part's content as JSON. */
export function partJson(part: MultipartPart): unknown {
  try {
    const value: unknown = JSON.parse(part.content.toString("utf8"));
    return value;
  } catch (error) {
    throw malformed(`part "${part.name}" is not JSON`, error);
  }
}

function malformed(message: string, cause?: unknown): EndpointError {
  return new EndpointError("invalid-request", `multipart body: ${message}`, { status: 400, cause });
}
