/** How large a tool's answer is, as far as a bounded walk over it tells. */
export interface ValueSize {
  /** Exact for text and for bytes; for nested values those of all parts and keys that were visited. */
  readonly bytes: number;
  /** The beginning of the text a model would read, encoded media left out. */
  readonly text: string;
  /** False where the walk ended before the value did. */
  readonly complete: boolean;
}

/** Where content blocks keep encoded media: bytes for the store, but no text to be tokenized. */
const PAYLOAD_KEYS = new Set(["data", "url", "image_url", "source", "input_audio", "b64_json"]);
const MAX_VISITS = 10_000;
const OTHER_BYTES = 8;

/** Measures a value without recursion, and no further than `maxBytes` and `maxText` need. */
export function valueSize(
  value: unknown,
  { maxBytes = Infinity, maxText = 0 }: { maxBytes?: number; maxText?: number } = {},
): ValueSize {
  if (typeof value === "string") {
    return { bytes: Buffer.byteLength(value), text: value, complete: true };
  }
  if (value instanceof Uint8Array) return { bytes: value.length, text: "", complete: true };
  const queue: { item: unknown; payload: boolean }[] = [{ item: value, payload: false }];
  let bytes = 0;
  let text = "";
  for (let visits = 0; visits < MAX_VISITS && bytes <= maxBytes; visits += 1) {
    const next = queue.pop();
    if (next === undefined) return { bytes, text, complete: true };
    const { item, payload } = next;
    if (typeof item === "string") {
      bytes += item.length <= maxBytes ? Buffer.byteLength(item) : item.length;
      if (!payload && text.length <= maxText) text += `${item}\n`;
    } else if (item instanceof Uint8Array) {
      bytes += item.length;
    } else if (typeof item === "object" && item !== null) {
      for (const [key, child] of Object.entries(item)) {
        bytes += Array.isArray(item) ? 1 : key.length;
        queue.push({ item: child, payload: payload || PAYLOAD_KEYS.has(key) });
      }
    } else {
      bytes += OTHER_BYTES;
    }
  }
  return { bytes, text, complete: false };
}
