/**
 * Tokens a text may take, never fewer than a known tokenizer counts for prose and JSON: three plain
 * characters to a token, a token for each other one.
 */
export function tokensAtMost(text: string): number {
  const plain = text.replaceAll(/[^\u0020-\u007e\n]/gu, "").length;
  const others = [...text].length - plain;
  return Math.ceil(plain / 3) + others * 2;
}
