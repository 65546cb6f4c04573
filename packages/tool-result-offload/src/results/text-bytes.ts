const SLICE_CHARS = 16_384;

/**
 * A string as bytes, piece by piece and without a copy of the whole. Well-formed text is UTF-8; a
 * lone surrogate, which UTF-8 cannot hold, is written in the three bytes it would have (WTF-8), so
 * that every string comes back exactly.
 */
export function* encodeText(text: string): Generator<Uint8Array> {
  for (let start = 0; start < text.length;) {
    let end = Math.min(start + SLICE_CHARS, text.length);
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end -= 1;
    const slice = text.slice(start, end);
    yield isWellFormed(slice) ? Buffer.from(slice, "utf8") : encodeIllFormed(slice);
    start = end;
  }
}

/** The string that {@link encodeText} made these bytes from. */
export function decodeText(bytes: Uint8Array): string {
  const text = decodeStrict(bytes);
  return text ?? decodeIllFormed(bytes);
}

/** The text of valid UTF-8, a byte order mark included; undefined where the bytes are not UTF-8. */
export function decodeStrict(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** True if a string has no lone surrogate. */
function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

function encodeIllFormed(slice: string): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const part of slice.split(/(\p{Surrogate})/u)) {
    if (isWellFormed(part)) parts.push(Buffer.from(part, "utf8"));
    else {
      const code = part.charCodeAt(0);
      parts.push(Uint8Array.of(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63)));
    }
  }
  return Buffer.concat(parts);
}

function decodeIllFormed(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = "";
  let done = 0;
  for (let at = buffer.indexOf(0xed); at !== -1; at = buffer.indexOf(0xed, at + 1)) {
    const second = buffer[at + 1] ?? 0;
    const third = buffer[at + 2] ?? 0;
    if (second >> 5 !== 0b101 || third >> 6 !== 0b10) continue;
    text += buffer.toString("utf8", done, at);
    text += String.fromCharCode(0xd000 | ((second & 63) << 6) | (third & 63));
    done = at + 3;
  }
  return text + buffer.toString("utf8", done);
}
