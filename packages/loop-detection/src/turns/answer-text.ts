const mediaKeys = ["data", "url", "image_url", "source", "input_audio"];
const mediaEnd = 64;

/**
 * The text of a tool's answer, whatever its content is made of. An image or file counts by its type,
 * length and ends, so that two equal ones read the same and 100 MB are never copied.
 */
export function answerText(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return (content as unknown[]).map(blockText).join("\n");
}

/** An answer without the id of its own call, which some harnesses write into what they cut. */
export function withoutCallId(text: string, callId: string | undefined): string {
  if (callId === undefined || callId.length < 4 || callId.length > 200) return text;
  if (text.length > 64 * 1024 || !text.includes(callId)) return text;
  return text.replaceAll(callId, "<call>");
}

function blockText(block: unknown): string {
  if (typeof block === "string") return block;
  if (typeof block !== "object" || block === null) return "";
  const { type, text } = block as { type?: unknown; text?: unknown };
  if (typeof text === "string") return text;
  const media = mediaKeys.map((key) => mediaText(Reflect.get(block, key))).join("");
  return `[${String(type)} ${media}]`;
}

function mediaText(value: unknown): string {
  if (typeof value === "string") {
    return `${value.length} ${value.slice(0, mediaEnd)}${value.slice(-mediaEnd)}`;
  }
  if (typeof value !== "object" || value === null) return "";
  const { url, data } = value as { url?: unknown; data?: unknown };
  return typeof url === "string" ? mediaText(url) : typeof data === "string" ? mediaText(data) : "";
}
