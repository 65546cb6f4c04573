import { sha256 } from "@evenkeel/core";

/** A UUID that is the same for the same words, so that what is sent twice is there once. */
export function fixedId(...words: readonly string[]): string {
  const hash = sha256(JSON.stringify(words));
  const variant = ((Number.parseInt(hash.slice(16, 17), 16) & 3) | 8).toString(16);
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-${variant}${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}

/** Whether an execution belongs to a sample of this share; the same answer each time. */
export function inSample(executionId: string, share: number): boolean {
  if (share === 0) return false;
  const drawn = Number.parseInt(fixedId("sample", executionId).slice(0, 8), 16) / 0x1_0000_0000;
  return drawn < share;
}
