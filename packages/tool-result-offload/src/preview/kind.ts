import { csvDelimiter } from "./csv.ts";
import { outlineJson } from "./json/outline.ts";
import { isLogLine } from "./log.ts";
import type { Sample } from "./sample.ts";

/** What a result is, as far as its preview and the tools that read it care. */
export type ContentKind = "text" | "json" | "json-lines" | "csv" | "log" | "binary" | "blocks";

const PROBE_CHARS = 16 * 1024;
const PROBE_LINES = 60;
const LOG_SHARE = 0.5;

/** Decides what a content is, by its beginning alone; what is nothing else is text. */
export function kindOf(sample: Sample): ContentKind {
  if (sample.binary !== undefined) return "binary";
  const probe = sample.head.slice(0, PROBE_CHARS);
  const json = jsonKind(probe);
  if (json !== undefined) return json;
  if (isLog(probe)) return "log";
  return csvDelimiter(sample.head) === undefined ? "text" : "csv";
}

function jsonKind(probe: string): "json" | "json-lines" | undefined {
  if (!/^\uFEFF?\s*[[{]/.test(probe)) return undefined;
  const outline = outlineJson(probe);
  if (outline.problemAt !== undefined) return undefined;
  // A bracket alone is no JSON yet; a value that breaks off is, whether we cut it or someone before us.
  const { keys, items } = outline.root;
  const begun = keys.size > 0 || items !== undefined || outline.cut;
  if (outline.values === 0 && !begun) return undefined;
  return outline.values > 1 || (outline.values === 1 && outline.unfinished) ? "json-lines" : "json";
}

function isLog(probe: string): boolean {
  const lines = probe.split("\n", PROBE_LINES).filter((line) => line.trim() !== "");
  if (lines.length < 3) return false;
  return lines.filter(isLogLine).length >= lines.length * LOG_SHARE;
}
