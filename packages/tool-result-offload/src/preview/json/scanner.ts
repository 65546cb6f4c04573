/** A token of JSON; `cut` is one the text ends in the middle of, `bad` is none at all. */
export type JsonToken =
  | "{"
  | "}"
  | "["
  | "]"
  | ","
  | ":"
  | "string"
  | "scalar"
  | "end"
  | "cut"
  | "bad";

/** Walks over the tokens of a JSON text; nothing is copied or built. */
export interface JsonScanner {
  /** Where the token that `next` answered begins. */
  start: number;
  /** Where it ends. */
  end: number;
  next(): JsonToken;
}

const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERALS = ["true", "false", "null"];
const SPACE = 1;
const DELIMITER = 2;
const CLASSES = asciiClasses();

export function jsonScanner(text: string): JsonScanner {
  const scanner: JsonScanner = { start: 0, end: 0, next };

  function next(): JsonToken {
    let start = scanner.end;
    while (CLASSES[text.charCodeAt(start)] === SPACE || text.charCodeAt(start) === 0xfeff)
      start += 1;
    scanner.start = start;
    scanner.end = start + 1;
    const character = text.charAt(scanner.start);
    switch (character) {
      case "":
        scanner.end = text.length;
        return "end";
      case "{":
      case "}":
      case "[":
      case "]":
      case ",":
      case ":":
        return character;
      case '"':
        return string();
      default:
        return scalar();
    }
  }

  function string(): JsonToken {
    let quote = text.indexOf('"', scanner.end);
    while (quote !== -1 && backslashesBefore(quote) % 2 === 1) quote = text.indexOf('"', quote + 1);
    scanner.end = quote === -1 ? text.length : quote + 1;
    return quote === -1 ? "cut" : "string";
  }

  function backslashesBefore(quote: number): number {
    let count = 0;
    while (text.charCodeAt(quote - 1 - count) === 92) count += 1;
    return count;
  }

  function scalar(): JsonToken {
    while (scanner.end < text.length && !CLASSES[text.charCodeAt(scanner.end)]) scanner.end += 1;
    SCALAR.lastIndex = scanner.start;
    if (SCALAR.test(text) && SCALAR.lastIndex === scanner.end) return "scalar";
    return scanner.end === text.length && mayGoOn(text.slice(scanner.start)) ? "cut" : "bad";
  }

  return scanner;
}

// Half a number or literal at the very end is whole in the full text.
function mayGoOn(rest: string): boolean {
  return /^-?\d[\d.eE+-]*$|^-$/.test(rest) || LITERALS.some((literal) => literal.startsWith(rest));
}

function asciiClasses(): Uint8Array {
  const classes = new Uint8Array(128);
  for (const code of Buffer.from(" \t\r\n")) classes[code] = SPACE;
  for (const code of Buffer.from(',:[]{}"')) classes[code] = DELIMITER;
  return classes;
}
