/** Orders texts by their code units, as LangSmith's dotted orders are meant to be ordered. */
export function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
