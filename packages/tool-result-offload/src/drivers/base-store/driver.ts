import { ORPHAN_AFTER_MS, chunksInRange } from "@evenkeel/core";
import type { ResultOwner, ResultStore, StoredResult } from "@evenkeel/core";
import type { BaseStore } from "@langchain/langgraph";

import { OffloadError } from "../../errors.ts";
import { listedRows } from "../listed-rows.ts";
import type { ListedRow } from "../listed-rows.ts";
import { ownerKey } from "../owner-key.ts";
import type { OwnerKey } from "../owner-key.ts";
import { itemContents } from "./contents.ts";
import type { ContentPlace } from "./contents.ts";
import { itemsOf } from "./items.ts";
import type { ItemValue } from "./items.ts";
import { keyedLock } from "./keyed-lock.ts";

interface Row extends ListedRow {
  readonly place: ContentPlace;
}

/** What {@link baseStoreResults} can be told. */
export interface BaseStoreResultsOptions {
  /** The present, in epoch milliseconds; ages are counted from it. @default Date.now */
  now?: () => number;
}

/**
 * Keeps a run's large results in a LangGraph store: in memory, in Postgres, or whatever the graph is
 * compiled with. A slice costs two look-ups (the row, then its chunks); without transactions a race
 * may keep a content twice; quotas and pruning list every row, so a busy deployment wants
 * `evenkeelPostgres`. What is removed frees its room at the first prune an hour later; `forget`
 * erases at once.
 */
export function baseStoreResults(
  store: BaseStore,
  { now = Date.now }: BaseStoreResultsOptions = {},
): ResultStore {
  const items = itemsOf(store);
  const contents = itemContents(items);
  // Parallel calls of one turn often have the same answer: the second finds what the first wrote.
  const exclusively = keyedLock();
  const rowSpace = (key: OwnerKey): string[] => ["rows", key.scope, key.thread];

  async function findRow(key: OwnerKey, handle: string): Promise<Row | undefined> {
    const value = await items.get(rowSpace(key), handle);
    return value === undefined ? undefined : rowOf(key, value);
  }

  async function putRow(
    key: OwnerKey,
    result: StoredResult,
    place: ContentPlace,
  ): Promise<StoredResult> {
    await items.put(rowSpace(key), new Map([[result.handle, valueOf(result, place)]]));
    return result;
  }

  async function link(owner: ResultOwner, result: StoredResult): Promise<StoredResult | undefined> {
    const key = ownerKey(owner);
    const there = await findRow(key, result.handle);
    const place = there?.place ?? (await contents.find(key.scope, result.digest));
    if (place === undefined) return undefined;
    const { usedAt, ttlMs } = result;
    return putRow(key, { ...(there?.result ?? result), usedAt, ttlMs }, place);
  }

  async function remove({ key, result }: Pick<Row, "key" | "result">): Promise<boolean> {
    const row = await findRow(key, result.handle);
    if (row === undefined) return false;
    await items.remove(rowSpace(key), [result.handle]);
    await contents.release(key.scope, row.result.digest, row.place, now());
    return true;
  }

  async function rows({ scope, thread }: Partial<OwnerKey>): Promise<Row[]> {
    const found: Row[] = [];
    const owner = [scope, thread].filter((part) => part !== undefined);
    for await (const { namespace, value } of items.all(["rows", ...owner])) {
      const [, itsScope = "", itsThread = ""] = namespace;
      found.push(rowOf({ scope: itsScope, thread: itsThread }, value));
    }
    return found;
  }

  const { forgetRows, pruneRows, ...many } = listedRows<Row>({ rows, remove });

  return {
    ...many,
    writeResult(owner, startedAt) {
      const key = ownerKey(owner);
      const upload = contents.upload(key.scope, startedAt);
      return {
        write: (chunk) => upload.write(chunk),
        async commit(result) {
          const place = await upload.seal();
          return exclusively(`${key.scope}/${result.digest}`, async () => {
            const known = await link(owner, result);
            if (known !== undefined) {
              await upload.discard();
              return known;
            }
            await putRow(key, result, place);
            if (await contents.publish(key.scope, result.digest, place)) return result;
            await items.remove(rowSpace(key), [result.handle]);
            throw lost(result);
          });
        },
        abort: () => upload.discard(),
      };
    },
    linkResult: link,
    findResult: async (owner, handle) => (await findRow(ownerKey(owner), handle))?.result,
    async readResult(owner, handle, range) {
      const key = ownerKey(owner);
      const row = await findRow(key, handle);
      if (row === undefined) return undefined;
      const { first, count } = chunksInRange(range, row.place.newlines);
      const chunks = await contents.chunks(key.scope, row.place, first, count);
      return { result: row.result, chunks };
    },
    async touchResult(owner, handle, usedAt) {
      const key = ownerKey(owner);
      const row = await findRow(key, handle);
      if (row === undefined) return false;
      await putRow(key, { ...row.result, usedAt }, row.place);
      return true;
    },
    async removeResult(owner, handle) {
      const row = await findRow(ownerKey(owner), handle);
      return row !== undefined && remove(row);
    },
    async forget(subject) {
      const gone = await forgetRows(subject);
      // Erasure does not wait for a prune.
      for (const { key, place } of gone) await contents.erase(key.scope, place);
      return gone.length;
    },
    async prune(ages) {
      const old = await pruneRows(ages, now());
      return old + (await contents.removeOrphans(now() - ORPHAN_AFTER_MS, now()));
    },
  };
}

function lost({ handle }: StoredResult): OffloadError {
  return new OffloadError({
    code: "result-lost",
    message: `Result ${handle} could not be kept: its write lasted so long that prune() took it for an orphan. Store it again.`,
    details: { handle },
  });
}

// As text, because a JSON column refuses the NUL and the lone surrogates that meta may quote.
function valueOf(result: StoredResult, place: ContentPlace): ItemValue {
  return {
    entry: JSON.stringify(result),
    content: place.id,
    newlines: JSON.stringify(place.newlines),
  };
}

function rowOf(key: OwnerKey, value: ItemValue): Row {
  const id = String(value["content"]);
  return {
    key,
    result: JSON.parse(String(value["entry"])) as StoredResult,
    content: id,
    place: { id, newlines: JSON.parse(String(value["newlines"])) as number[] },
  };
}
