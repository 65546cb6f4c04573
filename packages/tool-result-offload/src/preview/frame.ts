import { EvenkeelError, quoteAsData } from "@evenkeel/core";

import type { TokenCounter } from "../threshold/token-counter.ts";
import { counted, figure } from "./cut.ts";
import type { ContentKind } from "./kind.ts";
import { previewContent } from "./preview.ts";
import type { Preview } from "./preview.ts";

/** The names under which the model finds the reading tools; undefined where it has none. */
export interface ReadingToolNames {
  read?: string | undefined;
  search?: string | undefined;
  query?: string | undefined;
}

/** What the model reads in place of a result that lies in the store: what it is, its preview, how to go on. */
export function renderOffloaded(
  handle: string,
  preview: Preview,
  tools: ReadingToolNames = {},
): string {
  const lines = preview.kind === "binary" ? "" : `, ${counted(preview.lines, "line")}`;
  const size = `${preview.kind} (${preview.mediaType}), ${figure(preview.size)} bytes${lines}`;
  return [
    `[The result is kept outside this conversation as ${handle}: ${size}. This is a preview of it:]`,
    quoteAsData(preview.text, handle),
    `[${waysOn(handle, preview.kind, tools)}]`,
  ].join("\n");
}

/** What takes a large result's place when the store refused it: a cut of it, and that the rest is lost. */
export function renderTruncated(
  content: unknown,
  error: unknown,
  options: { counter: TokenCounter; maxTokens: number },
): string {
  const preview = previewContent(isPreviewable(content) ? content : [content], options);
  const code = EvenkeelError.isInstance(error) ? error.code : "store-unavailable";
  return [
    `[The result is too large to stand here and could not be kept elsewhere (${code}). This is a cut of it, the rest is gone; call the tool again for less at a time.]`,
    quoteAsData(preview.text, "cut"),
  ].join("\n");
}

/** How the model gets at the rest, by the tools it has. */
export function waysOn(handle: string, kind: ContentKind, tools: ReadingToolNames): string {
  const ways: string[] = [];
  const argument = `handle "${handle}"`;
  if (tools.read !== undefined) ways.push(`read parts of it with ${tools.read}`);
  if (tools.search !== undefined && kind !== "binary") {
    ways.push(`find lines by regular expression with ${tools.search}`);
  }
  if (tools.query !== undefined && ["json", "json-lines", "blocks"].includes(kind)) {
    ways.push(`filter and count with ${tools.query}`);
  }
  return ways.length === 0
    ? "The rest cannot be read from here."
    : `With ${argument} you can ${ways.join(", ")}.`;
}

function isPreviewable(content: unknown): content is string | Uint8Array | unknown[] {
  return typeof content === "string" || content instanceof Uint8Array || Array.isArray(content);
}
