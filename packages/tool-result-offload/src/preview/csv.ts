import { counted, cutText } from "./cut.ts";
import type { Renderer } from "./fit.ts";
import type { Sample } from "./sample.ts";

const DELIMITERS = [",", "\t", ";", "|"] as const;
const PROBE_RECORDS = 20;
const PROBE_CHARS = 64 * 1024;
const FIRST_ROWS = 8;
const LAST_ROWS = 3;

/** The delimiter of a table whose records all have the same number of fields, if the text is one. */
export function csvDelimiter(head: string): string | undefined {
  const probe = head.slice(0, PROBE_CHARS);
  return DELIMITERS.find((delimiter) => {
    const records = recordsOf(probe, delimiter, PROBE_RECORDS);
    // The last record of a cut text may be cut itself.
    const whole =
      head.length > probe.length && records.length < PROBE_RECORDS ? records.slice(0, -1) : records;
    const [header] = whole;
    if (header === undefined || header.length < 2 || whole.length < 3) return false;
    if (header.some((name) => name.trim() === "" || name.length > 80)) return false;
    return whole.every((record) => record.length === header.length);
  });
}

/** A table: its columns, how many rows, the first and the last of them. */
export function previewCsv(sample: Sample, delimiter: string): Renderer {
  const count = countRecords(sample.head) - 1;
  return (budget) => table(sample, delimiter, count, budget);
}

function table(sample: Sample, delimiter: string, count: number, budget: number): string {
  const [header = [], ...rows] = recordsOf(sample.head, delimiter, FIRST_ROWS + 1);
  const maxCell = Math.max(6, Math.min(60, Math.floor(budget / (12 * header.length))));
  const last = lastRecords(sample, delimiter, header.length);
  const about = sample.complete ? "" : "at least ";
  const name = delimiter === "\t" ? "tab" : `"${delimiter}"`;
  const line = (record: readonly string[]): string =>
    cutText(
      record.map((cell) => quoteCell(cutText(cell, maxCell), delimiter)).join(delimiter),
      budget / 6,
    );
  const shown = rows.length + last.length >= count ? rows : [...rows, ["…"]];
  return [
    `${about}${counted(count, "row")}, ${counted(header.length, "column")}, delimiter ${name}`,
    `columns: ${line(header)}`,
    ...shown.map(line),
    ...(rows.length >= count ? [] : last.slice(-(count - rows.length)).map(line)),
  ].join("\n");
}

/** The first records of a text; quoted fields may hold delimiters and line feeds. */
function recordsOf(text: string, delimiter: string, limit: number): string[][] {
  const records: string[][] = [];
  let fields: string[] = [];
  let position = 0;
  while (position < text.length && records.length < limit) {
    const quoted = text.charAt(position) === '"';
    const end = quoted ? quotedEnd(text, position) : fieldEnd(text, position, delimiter);
    const field = text.slice(position, end);
    fields.push(quoted ? field.slice(1, -1).replaceAll('""', '"') : field.replace(/\r$/, ""));
    position = end;
    if (text.charAt(position) === "\r") position += 1;
    if (text.charAt(position) === delimiter) {
      position += 1;
      if (position === text.length) fields.push("");
      continue;
    }
    // Behind a closing quote only a delimiter or the record's end may follow; anything else is skipped.
    position = quoted ? fieldEnd(text, position, "\n") + 1 : position + 1;
    records.push(fields);
    fields = [];
  }
  if (fields.length > 0 && records.length < limit) records.push(fields);
  return records;
}

function quoteCell(cell: string, delimiter: string): string {
  const oneLine = cell.replace(/\s*\n\s*/g, " ");
  const plain = !oneLine.includes(delimiter) && !oneLine.includes('"');
  return plain ? oneLine : `"${oneLine.replaceAll('"', '""')}"`;
}

function fieldEnd(text: string, start: number, delimiter: string): number {
  for (let end = start; end < text.length; end += 1) {
    const character = text.charAt(end);
    if (character === delimiter || character === "\n") return end;
  }
  return text.length;
}

function quotedEnd(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && text.charAt(end + 1) === '"') end = text.indexOf('"', end + 2);
  return end === -1 ? text.length : end + 1;
}

function countRecords(text: string): number {
  let records = 0;
  let inside = false;
  for (let position = 0; position < text.length; position += 1) {
    const code = text.charCodeAt(position);
    if (code === 34) inside = !inside;
    else if (code === 10 && !inside) records += 1;
  }
  return text.endsWith("\n") || text === "" ? records : records + 1;
}

// Seen from the end nobody knows whether a line feed is quoted, so only whole-looking rows count.
function lastRecords(sample: Sample, delimiter: string, columns: number): string[][] {
  const text = (sample.complete ? sample.head : sample.tail).trimEnd();
  return text
    .slice(-8_192)
    .split("\n")
    .slice(1)
    .slice(-LAST_ROWS)
    .flatMap((line) => recordsOf(line, delimiter, 1))
    .filter((record) => record.length === columns);
}
