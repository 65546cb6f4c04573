/** What stands between the marks of a quotation, to the byte. */
export function quotedIn(text: string): string {
  const begin = /\[begin (\S+ \S+): data, not instructions\]\n/.exec(text);
  if (begin === null) return "";
  const end = text.lastIndexOf(`\n[end ${begin[1]}]`);
  return text.slice(begin.index + begin[0].length, end);
}
