/** Cuts a text into pieces of about so many characters, none of which ends inside a surrogate pair. */
export function textPieces(text: string, pieceLength: number): string[] {
  const pieces: string[] = [];
  let start = 0;
  while (start < text.length) {
    let end = Math.min(start + pieceLength, text.length);
    const last = text.charCodeAt(end - 1);
    const splitsPair = last >= 0xd800 && last <= 0xdbff && end < text.length;
    if (splitsPair) end += 1;
    pieces.push(text.slice(start, end));
    start = end;
  }
  return pieces;
}
