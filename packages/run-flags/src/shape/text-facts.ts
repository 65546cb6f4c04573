import { factOf } from "./fact.ts";

const scanLimit = 20_000;

/** What a text refers to, as strings: addresses, links, files, quoted names, numbers, proper names. */
export interface TextMentions {
  /** Things a run could get wrong: e-mail addresses, links, file names, identifiers with digits. */
  references: string[];
  /** Numbers, dates and times, in their digits. */
  numbers: string[];
  /** Quoted strings of up to 80 characters. */
  quoted: string[];
  /** Capitalised words that do not begin a sentence. */
  names: string[];
}

const referencePattern =
  /[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,32}){1,4}|(?:https?:\/\/|www\.)[^\s"'<>()[\]{},]+|\b[\w-]{1,80}\.(?:docx?|xlsx?|pptx?|pdf|txt|csv|json|md|html?|png|jpe?g|py|[jt]sx?|ya?ml)\b|\b(?=[\w-]{0,40}\d)(?=[\w-]{0,40}[A-Za-z])[\w-]{5,40}\b/g;
const numberPattern = /\d+(?:[.,:]\d+)*/g;
const quotedPattern = /"([^"\n]{2,80})"|'([^'\n]{2,80})'|“([^”\n]{2,80})”|`([^`\n]{2,80})`/g;
const namePattern = /(?<=[a-z0-9,;:)"'] )\*{0,2}([A-Z][\p{L}]{2,})/gu;

/** Reads what a text refers to; looks at its first 20,000 characters. */
export function mentionsIn(text: string): TextMentions {
  const scanned = text.slice(0, scanLimit);
  return {
    references: unique(matches(scanned, referencePattern).map(trimEnd)),
    numbers: unique(matches(scanned, numberPattern)),
    quoted: unique(
      [...scanned.matchAll(quotedPattern)].map((match) =>
        (match[1] ?? match[2] ?? match[3] ?? match[4] ?? "").trim(),
      ),
    ),
    names: unique([...scanned.matchAll(namePattern)].map((match) => match[1] ?? "")),
  };
}

/** The facts of a text as hashes, at most `limit`, references and numbers first. */
export function textFacts(text: string, limit = 96): string[] {
  const { references, numbers, names } = mentionsIn(text);
  return unique([...references, ...numbers, ...names].map(factOf)).slice(0, limit);
}

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([match]) => match);
}

function trimEnd(text: string): string {
  return text.replace(/[.,;:!?*_/]+$/, "");
}

function unique(values: string[]): string[] {
  return [...new Set(values)].filter((value) => value !== "");
}
