import { normalizeResult } from "./normalize-result.ts";

const maxLength = 160;
const scanLimit = 8 * 1024;
const lineLimit = 600;

/**
 * Names what kind of failure an error text reports: the exception's name where one stands there,
 * otherwise its telling line, with quoted values, paths and numbers taken out, so that the same
 * failure with other arguments has the same class.
 */
export function errorClass(text: string): string {
  const tail =
    text.length > scanLimit ? text.slice(0, scanLimit / 2) + text.slice(-scanLimit / 2) : text;
  const line = tellingLine(tail).slice(0, lineLimit);
  return normalizeResult(line)
    .replaceAll(/(["'`])(?:(?!\1).){1,200}\1/g, "<value>")
    .replaceAll(/(?:[A-Za-z]:)?(?:[\w.@~-]*[/\\])+[\w.@~-]*/g, "<path>")
    .replaceAll(/\b[\w.+-]+@[\w-]+\.[\w.]+/g, "<value>")
    .replaceAll(/-?\d+(?:\.\d+)?/g, "<n>")
    .toLowerCase()
    .slice(0, maxLength);
}

function tellingLine(text: string): string {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  // A traceback ends with the exception; other reports begin with what is wrong.
  if (/^Traceback /m.test(text)) {
    const last = lines.findLast((line) =>
      /^[\w.]*(?:Error|Exception|Interrupt|Exit|Warning)\b/.test(line),
    );
    if (last !== undefined) return last;
  }
  const telling = lines.find((line) =>
    /\b(?:[A-Z]\w*(?:Error|Exception)|error|failed|failure|invalid|denied|cannot|not found|no such|unknown|refused|timed? ?out)\b/i.test(
      line,
    ),
  );
  return telling ?? lines.at(-1) ?? "";
}
