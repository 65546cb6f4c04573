const previewLength = 160;

/** Cuts a text to one line of at most 160 characters, for evidence that is quoted. */
export function preview(text: string): string {
  const line = text
    .slice(0, previewLength * 2)
    .replaceAll(/\s+/g, " ")
    .trim();
  return line.length <= previewLength ? line : `${line.slice(0, previewLength - 1)}…`;
}
