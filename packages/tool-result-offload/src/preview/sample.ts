import { countNewlines } from "../results/chunk.ts";
import { decodeStrict } from "../results/text-bytes.ts";

/** What a preview looks at: the beginning and end of a content of any size, and its figures. */
export interface Sample {
  /** The beginning, at most {@link SCAN_CHARS} characters. */
  readonly head: string;
  /** The end where `head` is not everything, else empty. */
  readonly tail: string;
  /** True if `head` is the whole content. */
  readonly complete: boolean;
  /** Bytes of the whole content. */
  readonly size: number;
  readonly lines: number;
  /** The first bytes of a content that is not UTF-8 text. */
  readonly binary: Uint8Array | undefined;
}

/** Figures of a content that somebody has counted already. */
export interface KnownFacts {
  size: number;
  lines: number;
}

/**
 * How far a preview looks: 8 million characters are scanned in about a tenth of a second. What lies
 * beyond is neither copied nor counted again, only its end is shown.
 */
const SCAN_CHARS = 8 * 1024 * 1024;

const TAIL_CHARS = 16 * 1024;
const BINARY_HEAD_BYTES = 64;

/** Takes the sample of a text or of bytes without copying the content. */
export function takeSample(content: string | Uint8Array, facts?: KnownFacts): Sample {
  return typeof content === "string" ? ofText(content, facts) : ofBytes(content, facts);
}

function ofText(content: string, facts: KnownFacts | undefined): Sample {
  const complete = content.length <= SCAN_CHARS;
  return {
    head: complete ? content : content.slice(0, SCAN_CHARS),
    tail: complete ? "" : content.slice(-TAIL_CHARS),
    complete,
    size: facts?.size ?? Buffer.byteLength(content),
    lines: facts?.lines ?? countLines(content),
    binary: undefined,
  };
}

function ofBytes(content: Uint8Array, facts: KnownFacts | undefined): Sample {
  const complete = content.length <= SCAN_CHARS;
  const size = content.length;
  const head = decodeStrict(content.subarray(0, wholeCharacters(content, SCAN_CHARS)));
  // A few NULs are text that was damaged; text has none in its first thousand characters.
  if (head === undefined || head.slice(0, 1_000).includes("\0")) {
    return {
      head: "",
      tail: "",
      complete,
      size,
      lines: 0,
      binary: content.subarray(0, BINARY_HEAD_BYTES),
    };
  }
  const ending = content.subarray(Math.max(0, size - TAIL_CHARS));
  const tail = complete ? "" : new TextDecoder("utf-8", { ignoreBOM: true }).decode(ending);
  const endsLine = size === 0 || content[size - 1] === 10;
  const lines = facts?.lines ?? countNewlines(content) + (endsLine ? 0 : 1);
  return { head, tail, complete, size, lines, binary: undefined };
}

// The length up to `limit` at which no character is cut in two.
function wholeCharacters(bytes: Uint8Array, limit: number): number {
  if (bytes.length <= limit) return bytes.length;
  let end = limit;
  while (end > limit - 4 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return end;
}

function countLines(text: string): number {
  let lines = 0;
  let at = text.indexOf("\n");
  for (; at !== -1; at = text.indexOf("\n", at + 1)) lines += 1;
  return text.length === 0 || text.endsWith("\n") ? lines : lines + 1;
}
