/** A figure with thousands separated, the same in every locale. */
export function figure(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 line`, `2 lines`. */
export function counted(count: number, noun: string): string {
  return `${figure(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** A text cut after `max` characters, saying how many are missing; no character is cut in two. */
export function cutText(text: string, max: number): string {
  if (text.length <= max) return text;
  const end = safeEnd(text, max);
  return `${text.slice(0, end)}… (+${figure(text.length - end)} characters)`;
}

/** The position at or before `end` that splits no surrogate pair. */
export function safeEnd(text: string, end: number): number {
  const last = text.charCodeAt(end - 1);
  return end > 0 && end < text.length && last >= 0xd800 && last <= 0xdbff ? end - 1 : end;
}

/** The first lines of a text that fit a budget of characters, each cut to `maxLine`; at least one. */
export function firstLines(text: string, budget: number, maxLine: number): string[] {
  const lines: string[] = [];
  let left = budget;
  for (let start = 0; start < text.length;) {
    const feed = text.indexOf("\n", start);
    const end = feed === -1 ? text.length : feed;
    const line = cutText(text.slice(start, end), maxLine);
    left -= line.length + 1;
    if (left < 0 && lines.length > 0) break;
    lines.push(line);
    start = end + 1;
  }
  return lines;
}

/** The last lines of a text that fit a budget of characters, in their order, each cut to `maxLine`. */
export function lastLines(text: string, budget: number, maxLine: number): string[] {
  const lines: string[] = [];
  if (text === "") return lines;
  let left = budget;
  for (let end = text.endsWith("\n") ? text.length - 1 : text.length; end >= 0;) {
    const start = text.lastIndexOf("\n", end - 1) + 1;
    const line = cutText(text.slice(start, end), maxLine);
    left -= line.length + 1;
    if (left < 0) break;
    lines.unshift(line);
    if (start === 0) break;
    end = start - 1;
  }
  return lines;
}

/**
 * Text that cannot harm a terminal, a JSON column or a reader: control characters, bidirectional
 * overrides and lone surrogates become the replacement character; tabs and line feeds stay.
 */
export function cleanText(text: string): string {
  return text
    .replace(/\r\n/g, "\n")
    .replace(/[^\P{Cc}\t\n]|[\u202a-\u202e\u2066-\u2069]|\p{Cs}/gu, "\ufffd");
}
