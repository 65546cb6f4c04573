import assert from "node:assert/strict";
import { createHash } from "node:crypto";

import type { ResultChunk, ResultOwner, ResultStore, StoredResult } from "@evenkeel/core";

import { unique } from "./samples.ts";

/** Small, so that a few kilobytes make many chunks; a store must take any size. */
const SAMPLE_CHUNK_BYTES = 1_000;

/** A thread no other case uses, in a scope of its own or the one given. */
export function sampleOwner(scope: string = unique("scope")): ResultOwner {
  return { scope, threadId: unique("thread") };
}

/** Cuts a content into chunks, as whoever stores a result does. */
export function chunksOf(
  content: Uint8Array,
  chunkBytes: number = SAMPLE_CHUNK_BYTES,
): ResultChunk[] {
  const chunks: ResultChunk[] = [];
  let newlinesBefore = 0;
  for (let start = 0; start < content.length; start += chunkBytes) {
    const bytes = content.slice(start, start + chunkBytes);
    const newlines = bytes.filter((byte) => byte === 10).length;
    chunks.push({ index: chunks.length, newlinesBefore, newlines, bytes });
    newlinesBefore += newlines;
  }
  return chunks;
}

/** A result's row, as whoever stores it writes it; the handle is the content's own hash. */
export function sampleResult(content: Uint8Array, over: Partial<StoredResult> = {}): StoredResult {
  const digest = createHash("sha256").update(content).digest("hex");
  const now = Date.now();
  return {
    v: 1,
    handle: `res_${digest.slice(0, 20)}`,
    digest,
    size: content.length,
    lines: content.filter((byte) => byte === 10).length + (content.at(-1) === 10 ? 0 : 1),
    createdAt: now,
    usedAt: now,
    ttlMs: null,
    meta: { tool: "fetch_log" },
    ...over,
  };
}

/** Writes a content for an owner, chunk by chunk. */
export async function keep(
  store: ResultStore,
  owner: ResultOwner,
  content: Uint8Array,
  over: Partial<StoredResult> = {},
): Promise<StoredResult> {
  const writer = store.writeResult(owner, Date.now());
  for (const chunk of chunksOf(content)) await writer.write(chunk);
  return writer.commit(sampleResult(content, over));
}

/** All of a result's bytes; undefined if there is none. */
export async function contentOf(
  store: ResultStore,
  owner: ResultOwner,
  handle: string,
): Promise<Buffer | undefined> {
  const read = await store.readResult(owner, handle, { first: 0, count: 1_000_000 });
  return read === undefined ? undefined : Buffer.concat(read.chunks.map(({ bytes }) => bytes));
}

/** Compared as a flag, since a difference of many bytes would fill the report. */
export function assertBytes(actual: Uint8Array | undefined, expected: Uint8Array): void {
  assert.ok(
    actual !== undefined && Buffer.compare(actual, expected) === 0,
    `${expected.length} bytes came back as they were`,
  );
}

/** The same few kilobytes each time a name is used, and others for another name. */
export function contentNamed(name: string, bytes = 5_500): Uint8Array {
  let text = "";
  for (let line = 0; text.length < bytes; line += 1) {
    text += `${name} ${"x".repeat(line % 7)}${line % 5 === 0 ? "\n" : ""}`;
  }
  return Buffer.from(text).subarray(0, bytes);
}
