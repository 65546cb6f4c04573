import { hash } from "node:crypto";

/** Names a text of any length by 16 characters (96 bits of SHA-256), small enough to keep in a checkpoint. */
export function shortHash(text: string): string {
  return hash("sha256", text, "base64url").slice(0, 16);
}
