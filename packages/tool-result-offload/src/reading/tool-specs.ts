import type { ReadingToolNames } from "../preview/frame.ts";

/** What a model is told of a reading tool: name, purpose, and its arguments as JSON Schema. */
export interface ReadingToolSpec {
  readonly name: string;
  readonly description: string;
  readonly schema: {
    readonly type: "object";
    readonly properties: Readonly<Record<string, unknown>>;
    readonly required: readonly string[];
    readonly additionalProperties: false;
  };
}

const HANDLE = {
  type: "string",
  description: "Handle of the result, as its message names it: res_ and twenty characters.",
};

const offset = (what: string): unknown => ({ type: "integer", minimum: 0, description: what });

/** The three reading tools as a model sees them, under the names they shall have. */
export function readingToolSpecs(
  names: ReadingToolNames = {},
): Record<"read" | "search" | "query", ReadingToolSpec> {
  return {
    read: {
      name: names.read ?? "read_tool_result",
      description:
        "Reads a part of a tool result that is kept outside this conversation: by lines, or by bytes if offset is given. Each answer says how to get the next part.",
      schema: schemaOf({
        handle: HANDLE,
        line: { type: "integer", minimum: 1, description: "First line, from 1. Default 1." },
        lines: { type: "integer", minimum: 1, description: "How many lines. Default 200." },
        offset: offset("First byte, from 0; reads bytes instead of lines."),
        bytes: { type: "integer", minimum: 1, description: "How many bytes, at most 16384." },
      }),
    },
    search: {
      name: names.search ?? "search_tool_result",
      description:
        "Finds the lines of a kept tool result that match a regular expression (RE2 syntax: no look-around, no back-references; (?i) ignores case), with line numbers and context.",
      schema: schemaOf({
        handle: HANDLE,
        pattern: { type: "string", description: "The regular expression, matched line by line." },
        context: { type: "integer", minimum: 0, description: "Lines around a match. Default 1." },
        limit: { type: "integer", minimum: 1, description: "Most matches, up to 100. Default 20." },
        offset: offset("Byte to go on from, as the answer before named it."),
      }),
    },
    query: {
      name: names.query ?? "query_tool_result",
      description:
        'Computes an answer from a kept tool result that is JSON or JSON Lines, in JSON Query: .a.b gets a property, | pipes. Functions: filter(.price > 5 and .city == "Rome"), map(.name), pick(.a, .b), sort(.a, "desc"), groupBy(.a), keyBy(.a), mapValues(size()), size(), sum(), average(), min(), max(), uniq(), limit(10), flatten(), keys(), values(), join(", "); objects as { name: .a, count: .b | size() }. Example: .items | filter(.total > 100) | sort(.total, "desc") | limit(5).',
      schema: schemaOf({
        handle: HANDLE,
        query: { type: "string", description: "The query." },
        offset: offset("Character of the answer to go on from, as the answer before named it."),
      }),
    },
  };
}

function schemaOf(properties: Record<string, unknown>): ReadingToolSpec["schema"] {
  const required = ["handle", "pattern", "query"].filter((name) => name in properties);
  return { type: "object", properties, required, additionalProperties: false };
}
