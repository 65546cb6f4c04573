import { EndpointError } from "../endpoint/endpoint-error.ts";

/** A value in a filter. */
export type FilterValue = string | number | boolean | null;

const comparisons = ["eq", "neq", "gt", "gte", "lt", "lte", "has", "search"] as const;

/** What a filter compares with. */
type FilterOperator = (typeof comparisons)[number];

/** A parsed filter. */
export type Filter =
  | { readonly kind: "and" | "or"; readonly parts: readonly Filter[] }
  | { readonly kind: "not"; readonly part: Filter }
  | {
      readonly kind: "compare";
      readonly operator: FilterOperator;
      /** Absent in `search("text")`, which looks everywhere. */
      readonly field?: string;
      readonly value: FilterValue;
    };

interface Token {
  readonly kind: "word" | "value" | "punctuation";
  readonly text: string;
  readonly value: FilterValue;
  readonly at: number;
}

/**
 * Parses LangSmith's filter language: `and`, `or` and `not` around `eq`, `neq`, `gt`, `gte`, `lt`,
 * `lte`, `has` and `search`. What it does not know is a coded error with its position.
 */
export function parseFilter(text: string): Filter {
  const tokens = tokenize(text);
  let position = 0;

  function fail(message: string): never {
    const at = tokens[position]?.at ?? text.length;
    throw filterError(`${message} at ${at}`, text);
  }
  function peek(): string | undefined {
    return tokens[position]?.text;
  }
  function take(expected: string): void {
    if (peek() !== expected) fail(`expected "${expected}", found "${peek() ?? "the end"}"`);
    position += 1;
  }
  function filter(): Filter {
    const name = tokens[position];
    if (name?.kind !== "word") fail(`expected a function, found "${peek() ?? "the end"}"`);
    position += 1;
    take("(");
    const parsed = call(name.text);
    take(")");
    return parsed;
  }
  function call(name: string): Filter {
    if (name === "not") return { kind: "not", part: filter() };
    if (name === "and" || name === "or") {
      const parts = [filter()];
      while (peek() === ",") {
        position += 1;
        parts.push(filter());
      }
      return { kind: name, parts };
    }
    const operator = comparisons.find((known) => known === name);
    if (operator === undefined) {
      fail(`unknown function "${name}", allowed: and, or, not, ${comparisons.join(", ")}`);
    }
    if (operator === "search" && tokens[position]?.kind === "value") {
      return { kind: "compare", operator, value: value() };
    }
    const field = tokens[position];
    if (field?.kind !== "word") fail(`expected a field, found "${peek() ?? "the end"}"`);
    position += 1;
    take(",");
    return { kind: "compare", operator, field: field.text, value: value() };
  }
  function value(): FilterValue {
    const token = tokens[position];
    if (token?.kind !== "value") fail(`expected a value, found "${peek() ?? "the end"}"`);
    position += 1;
    return token.value;
  }

  const parsed = filter();
  if (position < tokens.length) fail(`unexpected "${peek()}"`);
  return parsed;
}

const literals: Readonly<Record<string, FilterValue>> = {
  true: true,
  false: false,
  null: null,
  True: true,
  False: false,
  None: null,
};

function tokenize(text: string): Token[] {
  const pattern =
    /\s*(?:([A-Za-z_][\w.]*)|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([(),]))/y;
  const tokens: Token[] = [];
  const trimmed = text.trimEnd();
  while (pattern.lastIndex < trimmed.length) {
    const at = pattern.lastIndex;
    const found = pattern.exec(trimmed);
    if (found === null) throw filterError(`cannot be read at ${at}`, text);
    const [, word, number, double, single, punctuation] = found;
    const quoted = double ?? single;
    if (word !== undefined && Object.hasOwn(literals, word)) {
      tokens.push({ kind: "value", text: word, value: literals[word] ?? null, at });
    } else if (word !== undefined) tokens.push({ kind: "word", text: word, value: null, at });
    else if (number !== undefined) {
      tokens.push({ kind: "value", text: number, value: Number(number), at });
    } else if (quoted !== undefined) {
      tokens.push({ kind: "value", text: quoted, value: unescape(quoted), at });
    } else tokens.push({ kind: "punctuation", text: punctuation ?? "", value: null, at });
  }
  return tokens;
}

function unescape(quoted: string): string {
  const named: Record<string, string> = { n: "\n", t: "\t", r: "\r" };
  return quoted.replaceAll(/\\(.)/gs, (_, escaped: string) => named[escaped] ?? escaped);
}

/** The coded error of a filter that cannot be used. */
export function filterError(message: string, text: string): EndpointError {
  return new EndpointError("filter-invalid", `filter ${message}: ${text}`, { status: 400 });
}
