const maxFactLength = 120;

/**
 * Names a value by a 7-character hash: records can say that two runs agree on a recipient or an
 * amount without storing it. Case, blanks, leading zeros and thousands separators do not count.
 */
export function factOf(value: string): string {
  let text = value.slice(0, maxFactLength).toLowerCase().replaceAll(/\s+/g, " ").trim();
  // Looked for first: a thousand facts are made for one that has either.
  if (text.includes(",")) text = text.replaceAll(/(?<=\d),(?=\d{3}\b)/g, "");
  if (text.includes("0")) text = text.replaceAll(/(?<![\d.])0+(?=\d)/g, "");
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0).toString(36);
}
