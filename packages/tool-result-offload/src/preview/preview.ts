import { approximateCounter } from "../threshold/token-counter.ts";
import type { TokenCounter } from "../threshold/token-counter.ts";
import { mediaTypeOf, previewBinary } from "./binary.ts";
import { previewBlocks } from "./blocks.ts";
import { csvDelimiter, previewCsv } from "./csv.ts";
import { fitTokens } from "./fit.ts";
import type { Renderer } from "./fit.ts";
import { previewJson } from "./json/json.ts";
import { kindOf } from "./kind.ts";
import type { ContentKind } from "./kind.ts";
import { previewLog } from "./log.ts";
import { takeSample } from "./sample.ts";
import type { KnownFacts, Sample } from "./sample.ts";
import { previewText } from "./text.ts";

/** What a preview may cost. */
export interface PreviewOptions {
  /**
   * Tokens of the preview's text.
   * @default 800
   */
  maxTokens?: number | undefined;
  /** @default an estimate */
  counter?: TokenCounter | undefined;
  /** Size and lines where they are known, which saves counting them. */
  facts?: KnownFacts | undefined;
}

/** What stands in the context for a result that does not. */
export interface Preview {
  readonly kind: ContentKind;
  readonly text: string;
  readonly tokens: number;
  /** Bytes of the whole content. */
  readonly size: number;
  readonly lines: number;
  /** By its first bytes; for text and blocks what they are. */
  readonly mediaType: string;
}

const DEFAULT_MAX_TOKENS = 800;

const MEDIA_TYPES: Record<Exclude<ContentKind, "binary">, string> = {
  text: "text/plain",
  log: "text/plain",
  csv: "text/csv",
  json: "application/json",
  "json-lines": "application/jsonl",
  blocks: "application/json",
};

/**
 * Shows what a content is and how it begins and ends, within a bound: by kind, the same for the same
 * content, whatever the bytes and however many.
 */
export function previewContent(
  content: string | Uint8Array | readonly unknown[],
  options: PreviewOptions = {},
): Preview {
  const { maxTokens = DEFAULT_MAX_TOKENS, counter = approximateCounter, facts } = options;
  if (typeof content !== "string" && !(content instanceof Uint8Array)) {
    const fitted = fitTokens(previewBlocks(content), maxTokens, counter);
    const { size = 0, lines = 1 } = facts ?? {};
    return { kind: "blocks", ...fitted, size, lines, mediaType: MEDIA_TYPES.blocks };
  }
  const sample = takeSample(content, facts);
  const kind = kindOf(sample);
  const fitted = fitTokens(rendererOf(kind, sample), maxTokens, counter);
  const { size, lines, binary } = sample;
  const mediaType = kind === "binary" ? mediaTypeOf(binary ?? new Uint8Array()) : MEDIA_TYPES[kind];
  return { kind, ...fitted, size, lines, mediaType };
}

function rendererOf(kind: ContentKind, sample: Sample): Renderer {
  switch (kind) {
    case "json":
    case "json-lines":
      return previewJson(sample);
    case "csv":
      return previewCsv(sample, csvDelimiter(sample.head) ?? ",");
    case "log":
      return previewLog(sample);
    case "binary":
      return previewBinary(sample, sample.binary ?? new Uint8Array());
    case "text":
    case "blocks":
      break;
  }
  return previewText(sample);
}
