// What moves a terminal's cursor, hides, or turns the direction of what follows.
const UNPLAIN =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF]/g;

/**
 * A text that can be shown anywhere, of at most `most` characters: what tools and models named is
 * shown as it is, but controls, invisible signs and lone surrogates are written out.
 */
export function plainText(text: string, most: number): string {
  const written = text.slice(0, most).replace(UNPLAIN, (sign) => {
    const code = (sign.codePointAt(0) ?? 0).toString(16).padStart(4, "0");
    return `\\u${code}`;
  });
  return written.slice(0, most).replaceAll(/\p{Surrogate}/gu, "\uFFFD");
}
