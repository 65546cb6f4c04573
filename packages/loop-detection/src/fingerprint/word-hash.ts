/**
 * Hashes a short text to 32 bits (FNV-1a): for buckets and comparisons where speed matters and a
 * rare collision costs nothing; what identifies a call has 64 bits and more.
 */
export function wordHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
