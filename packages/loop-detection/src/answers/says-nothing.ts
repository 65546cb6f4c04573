const maxLength = 200;
const blank = /^(?:\[\s*\]|\{\s*\}|\(\s*\)|null|none|nil|undefined|"")?$/i;
const nothing =
  /\bno (?:\w+ ){0,3}(?:found|available|results?|match(?:es)?|hits?|data|rows|entries)\b|\bnot found\b|\bnothing\b|\b0 (?:results?|rows|matches|hits)\b/i;

/** True for a short answer that holds nothing: blank, `[]`, `null`, "no results", "not found". */
export function saysNothing(result: string): boolean {
  const text = result.slice(0, maxLength * 2).trim();
  if (text.length > maxLength) return false;
  return blank.test(text) || nothing.test(text);
}
