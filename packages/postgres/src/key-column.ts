import { sha256 } from "@evenkeel/core";

/** An index row holds some 2,700 bytes; three keys of this length fit in one. */
const MAX_BYTES = 200;

/**
 * The text under which an id stands in a column: equal for equal ids and for no others. Plain ids
 * stay as they are; what a text column refuses or changes (NUL, lone surrogates) is escaped as in
 * JSON, and a long id becomes its hash behind `\#`, which no escaped text begins with.
 */
export function keyColumn(id: string): string {
  const escaped = JSON.stringify(id).slice(1, -1);
  return Buffer.byteLength(escaped) <= MAX_BYTES ? escaped : `\\#${sha256(escaped)}`;
}

/** The same for an id that may be missing. */
export function optionalKeyColumn(id: string | null | undefined): string | null {
  return id === null || id === undefined ? null : keyColumn(id);
}
