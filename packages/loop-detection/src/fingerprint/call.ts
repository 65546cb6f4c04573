import { argumentSketch } from "./argument-sketch.ts";
import { type PlainJson, toPlainJson } from "./plain-json.ts";
import { shortHash } from "./short-hash.ts";
import { wordHash } from "./word-hash.ts";

/** What a tool call is recognised by when it comes again. */
export interface CallFingerprint {
  /** Tool and arguments as RFC 8785 canonical JSON, hashed: equal for byte-identical calls. */
  exact: string;
  /** The same without differences that ask for nothing else: empty members, blanks, case, `7` or `"7"`. */
  loose: string;
  /** Top-level arguments that were sent empty. */
  emptied: string[];
  /** One hash per filled top-level argument, at most 12. */
  parts: Record<string, string>;
  /** Where the arguments are long: a 32-bucket sketch that tells a trivially changed resend. */
  sketch?: string;
  /** The compared arguments as canonical JSON. */
  text: string;
}

/** What makes two calls of one tool the same, when the tool knows better than its arguments do. */
export type LoopKey = (callArguments: unknown) => unknown;

const maxParts = 12;
const longestName = 32;

/**
 * Recognises a call whatever the order of its arguments; with `loopKey` the tool itself says what
 * counts, for example the file without the reason for opening it.
 *
 * The loose form is why a resent call with `[]` added, a trailing blank or `"7"` for `7` still counts
 * as the same: on human-labelled pairs of steps every such pair was a repetition (6 of 6).
 */
export function fingerprintCall(
  call: { tool: string; arguments: unknown },
  loopKey?: LoopKey,
): CallFingerprint {
  const plain = toPlainJson(loopKey ? loopKey(call.arguments) : call.arguments);
  const loose = loosen(plain);
  // Canonical as RFC 8785 has it: plain JSON comes with its keys sorted.
  const plainText = JSON.stringify(plain);
  const looseText = JSON.stringify(loose);
  const sketch = argumentSketch(looseText);
  return {
    exact: shortHash(`${call.tool}\n${plainText}`),
    loose: shortHash(`${call.tool}\n${looseText}`),
    ...memberHashes(plain, loose),
    ...(sketch === undefined ? {} : { sketch }),
    text: plainText,
  };
}

function memberHashes(
  plain: PlainJson,
  loose: PlainJson,
): Pick<CallFingerprint, "emptied" | "parts"> {
  const emptied: string[] = [];
  const parts: Record<string, string> = {};
  if (!isRecord(plain) || !isRecord(loose)) return { emptied, parts };
  for (const name of Object.keys(plain).slice(0, maxParts)) {
    const key = name.slice(0, longestName);
    const member = Object.hasOwn(loose, name) ? loose[name] : undefined;
    if (member === undefined) {
      emptied.push(key);
      continue;
    }
    const text = typeof member === "string" ? member : JSON.stringify(member);
    parts[key] = wordHash(text).toString(36);
  }
  return { emptied, parts };
}

function isRecord(plain: PlainJson): plain is Record<string, PlainJson> {
  return typeof plain === "object" && plain !== null && !Array.isArray(plain);
}

function loosen(plain: PlainJson): PlainJson {
  if (typeof plain === "string") return plain.replaceAll(/\s+/g, " ").trim().toLowerCase();
  if (typeof plain === "number" || typeof plain === "boolean") return `${plain}`;
  if (plain === null) return plain;
  if (Array.isArray(plain)) return plain.map(loosen).filter((item) => !isEmpty(item));
  const filled: Record<string, PlainJson> = {};
  for (const [key, member] of Object.entries(plain)) {
    const loose = loosen(member);
    if (!isEmpty(loose)) filled[key] = loose;
  }
  return filled;
}

function isEmpty(plain: PlainJson): boolean {
  if (plain === null || plain === "") return true;
  if (typeof plain !== "object") return false;
  return (Array.isArray(plain) ? plain : Object.keys(plain)).length === 0;
}
