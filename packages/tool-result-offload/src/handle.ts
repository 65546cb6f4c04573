import { createHash } from "node:crypto";

/** Whose result it is: nobody but the same thread of the same scope can read it. */
export interface ResultOwner {
  /** The tenant: deduplication happens inside a scope only. */
  scope: string;
  threadId: string;
}

/** An owner as drivers see it: hashes, safe as file names, namespaces and column values. */
export interface OwnerKey {
  /** 32 hexadecimal digits. */
  readonly scope: string;
  /** 32 hexadecimal digits. */
  readonly thread: string;
}

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const PREFIX = "res_";
const BODY_CHARS = 16;
const CHECK_CHARS = 4;
const SHAPE = /^res_[0-9a-hjkmnp-tv-z]{20}$/;

/** The key under which a scope's results are kept. */
export function scopeKey(scope: string): string {
  return hash(["scope", scope]).toString("hex").slice(0, 32);
}

/** The keys under which a thread's results are kept, whatever its id looks like. */
export function ownerKey(owner: ResultOwner): OwnerKey {
  const thread = hash(["thread", owner.scope, owner.threadId]).toString("hex").slice(0, 32);
  return { scope: scopeKey(owner.scope), thread };
}

/**
 * The handle of a content in a thread: the same content gives the same handle, another thread or
 * scope gives another. Its last characters are a check that only the owner's keys satisfy, so that
 * a mistyped, forged or foreign handle is told from a pruned one without asking any store.
 */
export function deriveHandle(key: OwnerKey, digest: string): string {
  const body = base32(hash(["result", key.scope, key.thread, digest]), BODY_CHARS);
  return PREFIX + body + check(key, body);
}

/** What can be said of a handle before looking for it. */
export function classifyHandle(key: OwnerKey, handle: string): "own" | "foreign" | "malformed" {
  if (!SHAPE.test(handle)) return "malformed";
  const body = handle.slice(PREFIX.length, PREFIX.length + BODY_CHARS);
  return handle.endsWith(check(key, body)) ? "own" : "foreign";
}

function check(key: OwnerKey, body: string): string {
  return base32(hash(["check", key.scope, key.thread, body]), CHECK_CHARS);
}

// JSON keeps the parts apart, so that no two different lists hash alike, and escapes lone surrogates.
function hash(parts: readonly string[]): Buffer {
  return createHash("sha256").update(JSON.stringify(parts)).digest();
}

function base32(bytes: Buffer, chars: number): string {
  let text = "";
  for (let bit = 0; text.length < chars; bit += 5) {
    const two = bytes.readUInt16BE(bit >> 3);
    text += ALPHABET.charAt((two >> (11 - (bit & 7))) & 31);
  }
  return text;
}
