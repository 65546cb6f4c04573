import { AsyncLocalStorage } from "node:async_hooks";

import { ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface, ToolRunnableConfig } from "@langchain/core/tools";

import { withMark } from "../call/mark.ts";
import { OffloadError } from "../errors.ts";
import type { ReadingToolNames } from "../preview/frame.ts";
import type { ReadingAnswer, ReadingContext } from "./context.ts";
import { queryResult } from "./query/query-result.ts";
import { readResult } from "./read-result.ts";
import { searchResult } from "./search/search-result.ts";
import { readingToolSpecs } from "./tool-specs.ts";
import type { ReadingToolSpec } from "./tool-specs.ts";

type Answer = (context: ReadingContext, args: never) => Promise<ReadingAnswer>;

const ANSWERS: Readonly<Record<keyof ReadingToolNames, Answer>> = {
  read: readResult,
  search: searchResult,
  query: queryResult,
};

// A tool is one object for all threads: for whom it reads is known to the call around it.
const reading = new AsyncLocalStorage<ReadingContext>();
const readingTools = new WeakSet<object>();

/** The tools with which a model reads kept results; they answer inside the middleware only. */
export function makeReadingTools(names: ReadingToolNames): StructuredToolInterface[] {
  const specs = readingToolSpecs(names);
  return (Object.keys(ANSWERS) as (keyof ReadingToolNames)[]).map((kind) => {
    const made = readingTool(specs[kind], ANSWERS[kind]);
    readingTools.add(made);
    return made;
  });
}

/** True for a tool of {@link makeReadingTools}, whatever its name. */
export function isReadingTool(candidate: unknown): boolean {
  return typeof candidate === "object" && candidate !== null && readingTools.has(candidate);
}

/** Runs a call of a reading tool for the thread it is made in. */
export function whileReading<T>(context: ReadingContext, call: () => Promise<T>): Promise<T> {
  return reading.run(context, call);
}

function readingTool(spec: ReadingToolSpec, answer: Answer): StructuredToolInterface {
  const { name, description } = spec;
  return tool(
    async (args: unknown, config: ToolRunnableConfig) => {
      const context = reading.getStore();
      if (context === undefined) throw outsideMiddleware(name);
      const { text, status, details } = await answer(context, args as never);
      const { handle, size } = details as { handle?: unknown; size?: unknown };
      return new ToolMessage({
        name,
        status,
        content: text,
        tool_call_id: config.toolCall?.id ?? "",
        additional_kwargs: withMark({
          v: 1,
          handle: typeof handle === "string" ? handle : null,
          bytes: typeof size === "number" ? size : 0,
          reading: true,
        }),
      });
    },
    { name, description, schema: spec.schema },
  );
}

function outsideMiddleware(name: string): OffloadError {
  return new OffloadError({
    code: "outside-middleware",
    message: `${name} was called where its middleware does not see the call: wrap the graph with withMiddleware, and tools that are called by hand with wrapTools.`,
    details: { tool: name },
  });
}
