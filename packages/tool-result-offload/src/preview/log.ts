import { counted, cutText, figure, firstLines, lastLines } from "./cut.ts";
import type { Renderer } from "./fit.ts";
import type { Sample } from "./sample.ts";

const LEVELS = ["fatal", "error", "warn", "info", "debug", "trace"] as const;
type Level = (typeof LEVELS)[number];

const LEVEL_WORD =
  /\b(?:(FATAL|PANIC|CRITICAL|CRIT|EMERG|ALERT)|(ERROR|ERR|SEVERE|FAIL(?:ED|URE)?)|(WARN(?:ING)?)|(INFO|NOTICE)|(DEBUG|FINE)|(TRACE|VERBOSE|FINEST))\b/i;
const TIME =
  /^[[("']?(?:\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d|\d\d:\d\d:\d\d|\d\d\/[A-Z][a-z]{2}\/\d{4}|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{10}(?:\d{3})?[.\s])/;

/** A level is looked for where loggers put it; the word further on is part of a message. */
const LEVEL_WITHIN_CHARS = 80;
const ERROR_LINES = 3;
const MAX_LINE = 300;

/** The level a line of a log declares, if it does. */
function levelOf(line: string): Level | undefined {
  const match = LEVEL_WORD.exec(line.slice(0, LEVEL_WITHIN_CHARS));
  if (match === null) return undefined;
  return LEVELS[match.slice(1).findIndex((group) => group !== undefined)];
}

/** True for a line as loggers write them: it begins with a time, or declares a level early on. */
export function isLogLine(line: string): boolean {
  if (TIME.test(line)) return true;
  const match = LEVEL_WORD.exec(line.slice(0, 24));
  return match !== null && match[0] === match[0].toUpperCase();
}

interface Scan {
  readonly counts: Map<Level, number>;
  readonly firstErrors: string[];
  readonly lastErrors: string[];
}

/** A log: how many lines of each level, the first and last errors with their line numbers, both ends. */
export function previewLog(sample: Sample): Renderer {
  const { counts, firstErrors, lastErrors } = scan(sample.head);
  const levels = LEVELS.filter((level) => counts.has(level)).map(
    (level) => `${level} ${figure(counts.get(level) ?? 0)}`,
  );
  const scope = sample.complete
    ? ""
    : ` (in the first ${counted(sample.head.length, "character")})`;
  const ending = sample.complete ? sample.head : sample.tail;
  return (budget) => {
    const maxLine = Math.max(40, Math.min(MAX_LINE, Math.floor(budget / 8)));
    const cut = (line: string): string => cutText(line, maxLine);
    return [
      `levels${scope}: ${levels.length === 0 ? "none found" : levels.join(", ")}`,
      ...section("first errors", firstErrors.map(cut)),
      ...section("last errors", lastErrors.map(cut)),
      ...section("first lines", firstLines(sample.head, budget * 0.2, maxLine)),
      ...section("last lines", lastLines(ending, budget * 0.2, maxLine)),
    ].join("\n");
  };
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title}:`, ...lines];
}

function scan(text: string): Scan {
  const counts = new Map<Level, number>();
  const firstErrors: string[] = [];
  const lastErrors: string[] = [];
  let number = 0;
  for (let start = 0; start < text.length;) {
    const feed = text.indexOf("\n", start);
    const end = feed === -1 ? text.length : feed;
    number += 1;
    const level = levelOf(text.slice(start, Math.min(end, start + LEVEL_WITHIN_CHARS)));
    if (level !== undefined) counts.set(level, (counts.get(level) ?? 0) + 1);
    if (level === "error" || level === "fatal") {
      const line = `${number}: ${text.slice(start, end)}`;
      if (firstErrors.length < ERROR_LINES) firstErrors.push(line);
      else lastErrors.push(line);
      if (lastErrors.length > ERROR_LINES) lastErrors.shift();
    }
    start = end + 1;
  }
  return { counts, firstErrors, lastErrors };
}
