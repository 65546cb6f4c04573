import { randomUUID } from "node:crypto";

import type { ResultChunk, ResultOwner, ResultWriter, StoredResult } from "@evenkeel/core";

import type { Connection } from "../connection.ts";
import { PostgresError } from "../errors.ts";
import { chunkValues, ownerValues, resultOf, resultValues } from "./result-rows.ts";
import type { ResultStatements } from "./result-statements.ts";

/** Chunks of one statement: a result of up to 1 MB is written in one. */
const CHUNKS_AT_ONCE = 16;
/** How often another session may drop the same content between our look and our link. */
const ATTEMPTS = 5;

/** Puts a handle on content its scope has; undefined if the scope has it not. */
export type LinkResult = (
  owner: ResultOwner,
  result: StoredResult,
) => Promise<StoredResult | undefined>;

/** Writes one result: whole in one statement where it is small, else piece by piece behind an id nobody knows. */
export function resultWriter(
  { query, bodies }: Connection,
  statements: ResultStatements,
  { owner, startedAt, link }: { owner: ResultOwner; startedAt: number; link: LinkResult },
): ResultWriter {
  const id = randomUUID();
  const [scope] = ownerValues(owner);
  const waiting: ResultChunk[] = [];
  let begun = false;

  async function flush(): Promise<void> {
    if (!begun) await query(statements.insertContent, [id, scope, startedAt]);
    begun = true;
    const chunks = await chunkValues(waiting.splice(0), bodies);
    await query(statements.insertChunks, [id, ...chunks]);
  }

  async function publish(values: unknown[]): Promise<StoredResult | undefined> {
    const [row] = begun
      ? await query(statements.finishContent, values)
      : await query(statements.insertWhole, [...values, ...(await chunkValues(waiting, bodies))]);
    return row === undefined ? undefined : resultOf(row, bodies);
  }

  async function abort(): Promise<void> {
    waiting.length = 0;
    if (begun) await query(statements.dropContent, [id]);
  }

  return {
    async write(chunk) {
      waiting.push(chunk);
      if (waiting.length > CHUNKS_AT_ONCE) await flush();
    },
    async commit(result) {
      if (begun) await flush();
      const values = [id, ...ownerValues(owner), ...(await resultValues(result, bodies))];
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const published = await publish(values);
        if (published !== undefined) return published;
        // Nothing: the scope has this content already, or had it a moment ago.
        const linked = await link(owner, result);
        if (linked === undefined) continue;
        await abort();
        return linked;
      }
      throw new PostgresError({
        code: "result-lost",
        message: `Result ${result.handle} could not be kept: its write lasted so long that prune() took it for an orphan. Store it again.`,
      });
    },
    abort,
  };
}
