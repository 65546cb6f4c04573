const MAX_VISITS = 10_000;

/** Bytes of a tool's answer, as near as a bounded walk comes; exact for text and for bytes. */
export function bytesOf(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (value instanceof Uint8Array) return value.length;
  const queue: unknown[] = [value];
  let bytes = 0;
  for (let visits = 0; queue.length > 0 && visits < MAX_VISITS; visits += 1) {
    const item = queue.pop();
    if (typeof item === "string") bytes += Buffer.byteLength(item);
    else if (item instanceof Uint8Array) bytes += item.length;
    else if (typeof item === "object" && item !== null) queue.push(...firstValues(item));
    else bytes += 8;
  }
  return bytes;
}

// A spread of a million arguments overflows the stack.
function firstValues(item: object): unknown[] {
  return Object.values(item).slice(0, MAX_VISITS) as unknown[];
}
