import { counted, cutText, figure } from "./cut.ts";
import type { Renderer } from "./fit.ts";

const MAX_BLOCKS = 12;

/** A list of content blocks: the type of each, its media type and size, and how its text begins. */
export function previewBlocks(blocks: readonly unknown[]): Renderer {
  return (budget) => listing(blocks, budget);
}

function listing(blocks: readonly unknown[], budget: number): string {
  const shown = blocks.slice(0, MAX_BLOCKS);
  const share = Math.max(40, Math.floor(budget / Math.max(1, shown.length)) - 40);
  const more = blocks.length - shown.length;
  return [
    counted(blocks.length, "content block"),
    ...shown.map((block, index) => `${index}: ${describe(block, share)}`),
    ...(more > 0 ? [`… (${counted(more, "block")} not shown)`] : []),
  ].join("\n");
}

function describe(block: unknown, share: number): string {
  if (typeof block === "string")
    return `text, ${counted(block.length, "character")}: ${cutText(block, share)}`;
  if (typeof block !== "object" || block === null) return String(block).slice(0, share);
  const fields = block as Record<string, unknown>;
  const type = typeof fields["type"] === "string" ? fields["type"] : "untyped";
  const text = fields["text"];
  if (typeof text === "string") {
    return `${type}, ${counted(text.length, "character")}: ${cutText(text, share)}`;
  }
  const data = payloadOf(fields);
  if (data !== undefined) return cutText(`${type}, ${data}`, share);
  const keys = Object.keys(fields).filter((key) => key !== "type");
  return cutText(`${type} with ${keys.join(", ") || "nothing else"}`, share);
}

// Where the kinds of blocks keep what is large: data URLs, base64 beside a media type, bytes.
function payloadOf(fields: Record<string, unknown>): string | undefined {
  const media = [fields["mimeType"], fields["mime_type"], fields["media_type"]].find(
    (value) => typeof value === "string",
  );
  for (const value of [
    fields["data"],
    fields["url"],
    fields["image_url"],
    fields["source"],
    fields["input_audio"],
  ]) {
    if (value instanceof Uint8Array) return `${media ?? "bytes"}, ${counted(value.length, "byte")}`;
    if (typeof value === "string") return described(value, media);
    if (typeof value === "object" && value !== null) {
      const inner = payloadOf(value as Record<string, unknown>);
      if (inner !== undefined) return inner;
    }
  }
  return undefined;
}

function described(value: string, media: unknown): string {
  const dataUrl = /^data:([^;,]{0,100})[;,]/.exec(value.slice(0, 120));
  if (dataUrl !== null)
    return `${dataUrl[1]}, about ${figure(Math.floor(value.length * 0.75))} bytes`;
  if (/^https?:/.test(value)) return value;
  return `${typeof media === "string" ? media : "data"}, about ${figure(Math.floor(value.length * 0.75))} bytes`;
}
