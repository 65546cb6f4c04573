import type { ResultChunk, ResultOwner, StoredResult } from "@evenkeel/core";

import type { BodyFormat } from "../body.ts";
import { keyColumn } from "../key-column.ts";

/** The columns that say whose a result is. */
export function ownerValues({ scope, threadId }: ResultOwner): [string, string] {
  return [keyColumn(scope), keyColumn(threadId)];
}

/** Values $4 to $12 of the statements that write a result. */
export async function resultValues(result: StoredResult, bodies: BodyFormat): Promise<unknown[]> {
  const { handle, digest, size, lines, createdAt, usedAt, ttlMs, meta } = result;
  const { body, sealed } = await bodies.seal(JSON.stringify(meta));
  return [handle, digest, size, lines, createdAt, usedAt, ttlMs, body, sealed];
}

export async function resultOf(
  row: Record<string, unknown>,
  bodies: BodyFormat,
): Promise<StoredResult> {
  const handle = String(row["handle"]);
  const ttlMs = row["ttl_ms"];
  return {
    v: 1,
    handle,
    digest: String(row["digest"]),
    size: Number(row["size"]),
    lines: Number(row["lines"]),
    createdAt: Math.round(Number(row["created_at"])),
    usedAt: Math.round(Number(row["used_at"])),
    ttlMs: ttlMs === null ? null : Number(ttlMs),
    meta: await bodies.open(row, `Result ${handle}`),
  };
}

/** The values of so many chunks: what each is, where it lies in the one bytea, and the bytes. */
export async function chunkValues(
  chunks: readonly ResultChunk[],
  bodies: BodyFormat,
): Promise<unknown[]> {
  const sealed: Uint8Array[] = [];
  for (const { bytes } of chunks) sealed.push(await bodies.sealBytes(bytes));
  const starts: number[] = [];
  let start = 1;
  for (const { length } of sealed) {
    starts.push(start);
    start += length;
  }
  return [
    chunks.map(({ index }) => index),
    chunks.map(({ newlinesBefore }) => newlinesBefore),
    chunks.map(({ newlines }) => newlines),
    starts,
    sealed.map(({ length }) => length),
    Buffer.concat(sealed),
    bodies.encrypts,
  ];
}

/** The chunk in a row; none where the row has only its result. */
export async function chunkOf(
  row: Record<string, unknown>,
  bodies: BodyFormat,
): Promise<ResultChunk | undefined> {
  const bytes = row["bytes"];
  if (!(bytes instanceof Uint8Array)) return undefined;
  return {
    index: Number(row["index"]),
    newlinesBefore: Number(row["newlines_before"]),
    newlines: Number(row["newlines"]),
    bytes: row["encrypted"] === true ? await bodies.openBytes(bytes, "A result") : bytes,
  };
}
