import { RE2JS } from "re2js";

import { OffloadError } from "../../errors.ts";

/** A regular expression that takes time linear in what it looks at. */
export interface LinePattern {
  test(bytes: Uint8Array): boolean;
  /** The next match from `from` on, as byte positions. */
  find(bytes: Uint8Array, from: number): { start: number; end: number } | undefined;
}

const MAX_PATTERN_CHARS = 1_000;
const MAX_PROGRAM = 1_200;

/**
 * Compiles what a model wrote. RE2 matches in linear time whatever the expression, which is why it
 * has neither look-around nor back-references; the size of the program is what is left to bound.
 */
export function compilePattern(written: unknown): LinePattern {
  const text = typeof written === "string" ? written : "";
  if (text === "") throw invalid("it is empty");
  if (text.length > MAX_PATTERN_CHARS) {
    throw tooLarge(`it has ${text.length} characters of at most ${MAX_PATTERN_CHARS}`);
  }
  const expression = compile(text);
  if (expression.programSize() > MAX_PROGRAM) {
    throw tooLarge("its repetitions multiply to too large a program; use smaller counts");
  }
  return {
    test: (bytes) => expression.test(bytes),
    find: (bytes, from) => {
      const matcher = expression.matcher(bytes);
      return matcher.find(from) ? { start: matcher.start(), end: matcher.end() } : undefined;
    },
  };
}

function compile(text: string): RE2JS {
  try {
    return RE2JS.compile(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw invalid(reason.replace(/^error parsing regexp: /, ""), error);
  }
}

function invalid(reason: string, cause?: unknown): OffloadError {
  return new OffloadError({
    code: "pattern-invalid",
    message: `The regular expression cannot be used: ${reason}. It is RE2 syntax: no look-around, no back-references; (?i) ignores case; escape ( ) [ ] . * + ? to find them as they are.`,
    cause,
  });
}

function tooLarge(reason: string): OffloadError {
  return new OffloadError({
    code: "pattern-too-large",
    message: `The regular expression cannot be used: ${reason}.`,
  });
}
