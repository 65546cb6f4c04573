import { createHash } from "node:crypto";

import type { ResultOwner } from "@evenkeel/core";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const PREFIX = "res_";
const BODY_CHARS = 16;
const CHECK_CHARS = 4;
const SHAPE = /^res_[0-9a-hjkmnp-tv-z]{20}$/;

/**
 * The handle of a content in a thread: the same content gives the same handle, another thread or
 * scope gives another. Its last characters are a check that only the owner satisfies, so that a
 * mistyped, forged or foreign handle is told from a pruned one without asking any store.
 */
export function deriveHandle(owner: ResultOwner, digest: string): string {
  const body = base32(hash("result", owner, digest), BODY_CHARS);
  return PREFIX + body + check(owner, body);
}

/** What can be said of a handle before looking for it. */
export function classifyHandle(
  owner: ResultOwner,
  handle: string,
): "own" | "foreign" | "malformed" {
  if (!SHAPE.test(handle)) return "malformed";
  const body = handle.slice(PREFIX.length, PREFIX.length + BODY_CHARS);
  return handle.endsWith(check(owner, body)) ? "own" : "foreign";
}

function check(owner: ResultOwner, body: string): string {
  return base32(hash("check", owner, body), CHECK_CHARS);
}

// JSON keeps the parts apart, so that no two different lists hash alike, and escapes lone surrogates.
function hash(purpose: string, { scope, threadId }: ResultOwner, part: string): Buffer {
  return createHash("sha256")
    .update(JSON.stringify([purpose, scope, threadId, part]))
    .digest();
}

function base32(bytes: Buffer, chars: number): string {
  let text = "";
  for (let bit = 0; text.length < chars; bit += 5) {
    const two = bytes.readUInt16BE(bit >> 3);
    text += ALPHABET.charAt((two >> (11 - (bit & 7))) & 31);
  }
  return text;
}
