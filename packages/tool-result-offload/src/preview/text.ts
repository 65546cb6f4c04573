import { counted, firstLines, lastLines, safeEnd } from "./cut.ts";
import type { Renderer } from "./fit.ts";
import type { Sample } from "./sample.ts";

const MAX_LINE = 400;
const FEW_LINES = 6;

/** Plain text: its first and last lines, and how much lies between them. */
export function previewText(sample: Sample): Renderer {
  return (budget) => headAndTail(sample, budget);
}

function headAndTail(sample: Sample, budget: number): string {
  const { head, complete, lines, tail } = sample;
  if (complete && head.length <= budget) return head;
  if (lines <= FEW_LINES) return charactersOfEnds(sample, budget);
  const maxLine = Math.max(40, Math.min(MAX_LINE, Math.floor(budget / 4)));
  const first = firstLines(head, budget * 0.55, maxLine);
  const rest = complete ? restAfter(head, first.length) : tail;
  const last = lastLines(rest, budget * 0.4, maxLine);
  const between = lines - first.length - last.length;
  const gap = between > 0 ? [`… (${counted(between, "line")} not shown) …`] : [];
  return [...first, ...gap, ...last].join("\n");
}

// Where lines are few and long, they say nothing about where a reader should look.
function charactersOfEnds({ head, complete, tail, size }: Sample, budget: number): string {
  const end = complete ? head : tail;
  const first = head.slice(0, safeEnd(head, Math.floor(budget * 0.55)));
  const last = end.slice(safeEnd(end, end.length - Math.floor(budget * 0.35)));
  const missing = complete
    ? counted(head.length - first.length - last.length, "character")
    : `about ${counted(size - first.length - last.length, "byte")}`;
  return `${first}\n… (${missing} not shown) …\n${last}`;
}

function restAfter(text: string, lines: number): string {
  let start = 0;
  for (let line = 0; line < lines; line += 1) {
    const feed = text.indexOf("\n", start);
    if (feed === -1) return "";
    start = feed + 1;
  }
  return text.slice(start);
}
