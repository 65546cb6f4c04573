import { OffloadError } from "../errors.ts";
import type { ResultSource } from "./chunk.ts";
import { decodeText } from "./text-bytes.ts";

/** How a value became bytes; kept in the result's meta, and all that is needed to bring it back. */
export type ContentShape =
  /** A string. */
  | { readonly as: "text" }
  /** Bytes. */
  | { readonly as: "bytes" }
  /** Content blocks that are text and nothing else: their texts joined by line feeds. */
  | { readonly as: "text-blocks"; readonly lengths: readonly number[] }
  /** Any other value, as JSON; bytes inside are marked. Undefined properties are dropped, as by a checkpoint. */
  | { readonly as: "json" };

/** A value ready to be stored. */
export interface EncodedContent {
  readonly shape: ContentShape;
  readonly source: Exclude<ResultSource, AsyncIterable<Uint8Array>>;
}

const BYTES_MARK = "$evenkeel:bytes";
const MAX_TEXT_BLOCKS = 256;

/**
 * Turns a tool's answer into what the store keeps: text stays text and can be read by lines, blocks
 * of text are joined, the rest is JSON. Throws `not-storable` for a value that JSON would change.
 */
export function encodeContent(value: unknown): EncodedContent {
  if (typeof value === "string") return { shape: { as: "text" }, source: value };
  if (value instanceof Uint8Array) return { shape: { as: "bytes" }, source: value };
  const texts = textsOf(value);
  if (texts !== undefined) {
    const lengths = texts.map((text) => text.length);
    return { shape: { as: "text-blocks", lengths }, source: texts.join("\n") };
  }
  return { shape: { as: "json" }, source: jsonOf(value) };
}

/** The value that {@link encodeContent} was given, from the bytes the store kept. */
export function decodeContent(bytes: Uint8Array, shape: ContentShape): unknown {
  if (shape.as === "bytes") return bytes;
  const text = decodeText(bytes);
  if (shape.as === "text") return text;
  if (shape.as === "json") return JSON.parse(text, revive);
  let start = 0;
  return shape.lengths.map((length) => {
    const block = { type: "text", text: text.slice(start, start + length) };
    start += length + 1;
    return block;
  });
}

function textsOf(value: unknown): string[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_TEXT_BLOCKS)
    return undefined;
  const texts: string[] = [];
  for (const block of value as unknown[]) {
    if (!isPlainObject(block) || block["type"] !== "text") return undefined;
    const text = block["text"];
    if (typeof text !== "string" || Object.keys(block).join() !== "type,text") return undefined;
    texts.push(text);
  }
  return texts;
}

function jsonOf(value: unknown): string {
  try {
    const json = JSON.stringify(storable(value, 0));
    if (json !== undefined) return json;
  } catch (error) {
    if (OffloadError.isInstance(error)) throw error;
    throw notStorable(error instanceof Error ? error.message : String(error), error);
  }
  throw notStorable(`${typeof value} has no JSON`);
}

const MAX_DEPTH = 1_000;

// A copy that JSON brings back equal; whatever it would drop or change is refused by name.
function storable(value: unknown, depth: number): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value) && !Object.is(value, -0)) return value;
  if (value instanceof Uint8Array) {
    return {
      [BYTES_MARK]: Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64"),
    };
  }
  if (depth > MAX_DEPTH) throw notStorable(`it is nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) return value.map((item) => storable(item, depth + 1));
  if (!isPlainObject(value)) throw notStorable(`${describe(value)} would not come back from JSON`);
  if (Object.hasOwn(value, BYTES_MARK)) throw notStorable(`the key ${BYTES_MARK} is reserved`);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [key, storable(item, depth + 1)]));
}

function revive(_key: string, value: unknown): unknown {
  if (!isPlainObject(value)) return value;
  const base64 = value[BYTES_MARK];
  return typeof base64 === "string" ? new Uint8Array(Buffer.from(base64, "base64")) : value;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function describe(value: unknown): string {
  if (typeof value === "object" && value !== null)
    return `a ${value.constructor?.name ?? "object"}`;
  return typeof value === "number" ? String(value) : `a ${typeof value}`;
}

function notStorable(reason: string, cause?: unknown): OffloadError {
  return new OffloadError({
    code: "not-storable",
    message: `A result was left where it is, because ${reason}.`,
    cause,
  });
}
