import { approximateTokens } from "./approximate-tokens.ts";

/** Counts the tokens a text costs the model. */
export interface TokenCounter {
  /** What the figures mean: `"o200k"`, `"approximate"`, or a name of your own. */
  readonly name: string;
  /** True where the count is an estimate. */
  readonly approximate: boolean;
  /** Tokens of `text`; may stop and answer with any larger figure once it passed `limit`. */
  count(text: string, limit?: number): number;
}

/** What a real tokenizer has to offer: `countTokens` of `gpt-tokenizer` is one such. */
export type CountTokens = (text: string, options?: { disallowedSpecial: Set<string> }) => number;

/**
 * Slices of two thousand characters: byte-pair merging is quadratic in a run without spaces (100,000
 * times `a` in one piece is seconds, in slices milliseconds), and a limit is noticed slice by slice.
 * A word cut at a slice's edge may count a token or two more.
 */
const SLICE_CHARS = 2_000;

/** Estimates without any tokenizer: see {@link approximateTokens} for how near it comes. */
export const approximateCounter: TokenCounter = {
  name: "approximate",
  approximate: true,
  count: approximateTokens,
};

/**
 * Characters after which a tokenizer forgets what it remembers of words. That of `gpt-tokenizer` evicts
 * from the front of a map it also reorders: once full, as after a day in a server, each new word walks
 * over everything that was moved, and counting takes twenty times as long.
 */
const CHARS_BETWEEN_CLEARINGS = 200_000;

/** Counts with a real tokenizer, in bounded time on any input, and stops early at a limit. */
export function tokenCounterOf(
  name: string,
  countTokens: CountTokens,
  clearCache?: () => void,
): TokenCounter {
  // A text that quotes `<|endoftext|>` is data, not an order to the tokenizer, and must not throw.
  const options = { disallowedSpecial: new Set<string>() };
  let charsCounted = 0;
  return {
    name,
    approximate: false,
    count: (text, limit = Number.POSITIVE_INFINITY) => {
      let tokens = 0;
      for (let start = 0; start < text.length && tokens <= limit;) {
        const end = sliceEnd(text, start + SLICE_CHARS);
        tokens += countTokens(text.slice(start, end), options);
        charsCounted += end - start;
        start = end;
        if (charsCounted < CHARS_BETWEEN_CLEARINGS) continue;
        charsCounted = 0;
        clearCache?.();
      }
      return tokens;
    },
  };
}

let loading: Promise<TokenCounter> | undefined;

/** The o200k counter of `gpt-tokenizer` where that is installed, else {@link approximateCounter}. */
export function loadTokenCounter(): Promise<TokenCounter> {
  loading ??= import("gpt-tokenizer/encoding/o200k_base").then(
    ({ countTokens, clearMergeCache }) => tokenCounterOf("o200k", countTokens, clearMergeCache),
    () => approximateCounter,
  );
  return loading;
}

/** True if `text` costs more than `limit` tokens; never counts much further than the limit. */
export function exceedsTokens(text: string, limit: number, counter: TokenCounter): boolean {
  // A token holds at least one byte, and a UTF-16 unit is at most three bytes of UTF-8.
  if (text.length * 3 <= limit) return false;
  return counter.count(text, limit) > limit;
}

function sliceEnd(text: string, end: number): number {
  if (end >= text.length) return text.length;
  const code = text.charCodeAt(end);
  return code >= 0xdc00 && code <= 0xdfff ? end + 1 : end;
}
