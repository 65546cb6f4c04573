import { hash } from "node:crypto";

const longest = 4_096;

/**
 * Names a text of any length by 13 or 16 characters, small enough to keep in a checkpoint: 64 bits
 * of FNV-1a in two lanes, or 96 of SHA-256 for a long text. Between two steps of a graph nothing of
 * ours is in the processor's caches, and there a call into the crypto library costs more than
 * everything else about a short text.
 */
export function shortHash(text: string): string {
  return text.length > longest ? hash("sha256", text, "base64url").slice(0, 16) : twoLanes(text);
}

function twoLanes(text: string): string {
  let one = 0x811c9dc5;
  let other = 0x01000193 ^ text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    one = Math.imul(one ^ unit, 0x01000193);
    other = Math.imul(other ^ unit, 0x5bd1e995);
    other ^= other >>> 15;
  }
  return inBase36(one) + inBase36(other);
}

/** A lane's low bits are its best: they come first, where a hash is cut. */
function inBase36(lane: number): string {
  const mixed = Math.imul(lane ^ (lane >>> 16), 0x85ebca6b);
  return ((mixed ^ (mixed >>> 13)) >>> 0).toString(36).padStart(7, "0");
}
