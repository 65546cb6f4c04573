/**
 * Tokens a text may take, never fewer than a known tokenizer counts for prose and JSON: three plain
 * characters to a token, a token for each other one.
 */
export function tokensAtMost(text: string): number {
  const plain = text.replaceAll(/[^\u0020-\u007e\n]/gu, "").length;
  // In UTF-16 units: what needs two of them takes more tokens than a letter, too.
  return Math.ceil(plain / 3) + (text.length - plain) * 2;
}
