import { shortHash } from "../fingerprint/short-hash.ts";
import { type LongRuns, longRuns } from "./long-runs.ts";

const wholeLimit = 8 * 1024;
const endLimit = 3 * 1024;
const samples = 8;
const sampleLength = 256;

/** What every match of a mask holds: one of these texts, or a run of digits. */
type Sign = readonly string[] | keyof LongRuns;

/**
 * What varies in a tool's answer although nothing happened. The order matters: long forms come
 * before the short ones they contain. Amounts a tool reports (`40 of 100`, `37 %`, `3 failed`) are
 * never masked: they are how progress shows.
 */
const masks: readonly (readonly [pattern: RegExp, replacement: string, sign?: Sign])[] = [
  // Machine timestamps. `2024-05-26 18:00:00` stays: a full minute without a zone is an appointment.
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?/g, "<time>", [":"]],
  [
    /\b\d{4}[-/]\d\d[-/]\d\d \d\d:\d\d:(?:\d\d[.,]\d+|(?!00)\d\d)(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?/g,
    "<time>",
    [":"],
  ],
  [
    /\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? (?:\d{1,2} )?[A-Z][a-z]{2}[^\n"]{0,12}\d\d:\d\d:\d\d[^\n",]{0,12}/g,
    "<time>",
    [":"],
  ],
  [/\b\d\d:\d\d:(?:\d\d[.,]\d+|(?!00)\d\d)\b/g, "<time>", [":"]],
  [/\b1[4-9]\d{8}(?:\d{3})?(?:\.\d+)?\b/g, "<time>", "epoch"],
  // Named members of a JSON answer whose value says when, how long or which, not what.
  [
    /("(?:\w*_?id|\w*Id|uuid|nonce|etag|token|cursor|timestamp|ts|(?:elapsed|duration|latency|took|uptime)\w*|(?:created|updated|checked|generated|served|now|started|finished)_?(?:at|time)?|pid|port|attempt|seq(?:uence)?)"\s*:\s*)(?:"[^"\n]{0,200}"|-?[\d.eE+]+)/gi,
    "$1<idle>",
    ['"'],
  ],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "<id>", "uuid"],
  [/\b0x[0-9a-f]{4,}\b/gi, "<address>", ["0x", "0X"]],
  [/\b[a-z]{2,12}[_-](?=[a-z0-9]*\d)[a-z0-9]{10,}\b/gi, "<id>", ["-", "_"]],
  [/\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{12,64}\b/gi, "<id>", "hash"],
  [/\b\d{1,3}(?:\.\d{1,3}){3}:\d{2,5}\b/g, "<address>", [":"]],
  [/\/(?:tmp|var\/folders)\/[\w.+/-]+/g, "<path>", ["/tmp/", "/var/"]],
  [
    /\b(pid|process|thread|port|job|attempt|try|retry|request|req|seq|sequence|poll|check|tick|counter|nonce)(\s?(?:id|no\.?|number)?\s?[=:#]?\s?#?)\d+\b/gi,
    "$1$2<n>",
  ],
  [/\b\d+(?:\.\d+)?\s?(?:ms|µs|us|ns|msecs?|milliseconds?|s|secs?|seconds?)\b/g, "<duration>"],
];

/**
 * Rewrites a tool's answer so that two answers which differ only in what varies idly (timestamps,
 * durations, ids, process ids, addresses, attempt counters) read the same. Looks at 8 KB whole;
 * of a longer answer at its head, its tail, its length and 8 samples between, so that a 100 MB
 * answer costs no more than a small one.
 */
export function normalizeResult(text: string): string {
  const seen = text.length <= wholeLimit ? text : sampleText(text);
  if (!/\d/.test(seen)) return seen.trim();
  const runs = longRuns(seen);
  let masked = seen;
  for (const [pattern, replacement, sign] of masks) {
    // What every match contains is looked for first: most answers hold few of these.
    if (sign === undefined || holds(masked, runs, sign))
      masked = masked.replaceAll(pattern, replacement);
  }
  return masked.trim();
}

function holds(text: string, runs: LongRuns, sign: Sign): boolean {
  return typeof sign === "string" ? runs[sign] : sign.some((part) => text.includes(part));
}

/** Names a tool's answer by a short hash of its normalised text. */
export function resultFingerprint(text: string): string {
  return shortHash(normalizeResult(text));
}

function sampleText(text: string): string {
  const parts = [text.slice(0, endLimit), `<${text.length}>`];
  const middle = text.length - endLimit * 2;
  for (let index = 0; index < samples; index += 1) {
    const from = endLimit + Math.floor((middle / samples) * index);
    parts.push(text.slice(from, from + sampleLength));
  }
  parts.push(text.slice(-endLimit));
  return parts.join("\n");
}
