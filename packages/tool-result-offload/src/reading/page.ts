import { safeEnd } from "../preview/cut.ts";
import { decodeStrict } from "../results/text-bytes.ts";
import type { TokenCounter } from "../threshold/token-counter.ts";

/** Bytes as a model can read them: text where they are UTF-8, else base64. */
export interface Page {
  readonly text: string;
  readonly encoding: "utf-8" | "base64";
  /** Bytes the text stands for. */
  readonly length: number;
}

const BASE64_BYTES_A_TOKEN = 1;

/** Bytes of the longest character of UTF-8. */
export const LONGEST_CHARACTER = 4;

/** Makes as much of some bytes readable as `maxTokens` allow; `atEnd` if nothing follows them. */
export function pageOf(
  bytes: Uint8Array,
  { maxTokens, counter, atEnd }: { maxTokens: number; counter: TokenCounter; atEnd: boolean },
): Page {
  const text = decodeStrict(bytes.subarray(0, atEnd ? bytes.length : wholeCharacters(bytes)));
  if (text === undefined || (text === "" && bytes.length > 0)) {
    const most = bytes.subarray(0, maxTokens * BASE64_BYTES_A_TOKEN);
    // A page must not end inside a character, or the next would begin before its end.
    const part =
      most.length < bytes.length ? most.subarray(0, wholeCharacters(most) || most.length) : most;
    return { text: Buffer.from(part).toString("base64"), encoding: "base64", length: part.length };
  }
  const fitting = fitText(text, maxTokens, counter);
  return { text: fitting, encoding: "utf-8", length: Buffer.byteLength(fitting) };
}

/** How many bytes before `position` the character began that reaches over it; 0 if none does. */
export function reachOver(bytes: Uint8Array, position: number): number {
  for (let back = 1; back <= Math.min(LONGEST_CHARACTER - 1, position); back += 1) {
    const start = position - back;
    if (isContinuation(bytes[start])) continue;
    const length = characterLength(bytes[start]);
    const whole =
      length > back && decodeStrict(bytes.subarray(start, start + length)) !== undefined;
    return whole ? back : 0;
  }
  return 0;
}

/** The beginning of a text that costs at most `maxTokens`, cut behind a line where one ends late enough. */
export function fitText(text: string, maxTokens: number, counter: TokenCounter): string {
  let fitting = text;
  for (;;) {
    const tokens = counter.count(fitting);
    if (tokens <= maxTokens || fitting.length <= 1) break;
    const share = Math.min(0.9, (maxTokens / tokens) * 0.95);
    fitting = fitting.slice(0, safeEnd(fitting, Math.max(1, Math.floor(fitting.length * share))));
  }
  if (fitting.length === text.length) return text;
  const feed = fitting.lastIndexOf("\n") + 1;
  return feed > fitting.length / 2 ? fitting.slice(0, feed) : fitting;
}

function wholeCharacters(bytes: Uint8Array): number {
  let last = bytes.length - 1;
  while (last > 0 && last > bytes.length - 4 && isContinuation(bytes[last])) last -= 1;
  return bytes.length - last < characterLength(bytes[last]) ? last : bytes.length;
}

function characterLength(lead = 0): number {
  return lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
