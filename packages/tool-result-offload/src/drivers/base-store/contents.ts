import { randomUUID } from "node:crypto";

import type { ResultChunk } from "@evenkeel/core";

import type { Items, ItemValue } from "./items.ts";

/** Where a content's chunks lie, and what is known of each. */
export interface ContentPlace {
  /** Namespace of the chunks. */
  readonly id: string;
  /** Line feeds in each chunk. */
  readonly newlines: readonly number[];
}

/** A content that is being written under an id nobody knows yet. */
interface ChunkUpload {
  write(chunk: ResultChunk): Promise<void>;
  seal(): Promise<ContentPlace>;
  discard(): Promise<void>;
}

/** The contents of a scope as items of a LangGraph store. */
export interface ItemContents {
  upload(scope: string, startedAt: number): ChunkUpload;
  /** Lists a sealed upload as the scope's content for this digest; its row must be there already, and false means that it has to go again, because a prune took the upload for an orphan. */
  publish(scope: string, digest: string, place: ContentPlace): Promise<boolean>;
  find(scope: string, digest: string): Promise<ContentPlace | undefined>;
  /** Unlists a content that no row of the scope names; prune removes it, unless a row turns up. */
  release(scope: string, digest: string, place: ContentPlace, at: number): Promise<void>;
  /** Removes a released content at once, unless a row names it. */
  erase(scope: string, place: ContentPlace): Promise<void>;
  chunks(scope: string, place: ContentPlace, first: number, count: number): Promise<ResultChunk[]>;
  removeOrphans(startedBefore: number, at: number): Promise<number>;
}

const CHUNKS_AT_ONCE = 16;

/**
 * LangGraph stores have no transactions, so time takes their place. Chunks nobody names are marked
 * and stay until a prune finds the mark old: whoever had found them listed has written its row by
 * then, and the prune sees it. Every upload begins with such a mark.
 */
export function itemContents(items: Items): ItemContents {
  const chunkSpace = (scope: string, id: string): string[] => ["chunks", scope, id];

  function upload(scope: string, startedAt: number): ChunkUpload {
    const id = randomUUID();
    const newlines: number[] = [];
    const waiting = new Map<string, ItemValue>();
    let marked = false;

    async function flush(): Promise<void> {
      if (!marked) await mark(scope, id, startedAt);
      marked = true;
      await items.put(chunkSpace(scope, id), waiting);
      waiting.clear();
    }

    return {
      write: async (chunk) => {
        newlines.push(chunk.newlines);
        waiting.set(`${chunk.index}`, { bytes: Buffer.from(chunk.bytes).toString("base64") });
        if (waiting.size >= CHUNKS_AT_ONCE) await flush();
      },
      seal: async () => {
        await flush();
        return { id, newlines };
      },
      discard: () => drop(scope, { id, newlines }),
    };
  }

  async function mark(scope: string, id: string, since: number, going = false): Promise<void> {
    await items.put(["marks", scope], new Map([[id, { since, going }]]));
  }

  async function drop(scope: string, { id, newlines }: ContentPlace): Promise<void> {
    for (let first = 0; first < newlines.length; first += CHUNKS_AT_ONCE) {
      await items.remove(chunkSpace(scope, id), keysFrom(first, CHUNKS_AT_ONCE, newlines.length));
    }
    await items.remove(["marks", scope], [id]);
  }

  async function find(scope: string, digest: string): Promise<ContentPlace | undefined> {
    const value = await items.get(["contents", scope], digest);
    return value === undefined ? undefined : placeOf(value);
  }

  async function publish(scope: string, digest: string, place: ContentPlace): Promise<boolean> {
    // A prune says what it is about to drop before it looks for rows, and our row is written: if it
    // has said nothing by now, it will find the row.
    const its = await items.get(["marks", scope], place.id);
    if (its === undefined || its["going"] === true) return false;
    const value = { ...place, newlines: JSON.stringify(place.newlines) };
    await items.put(["contents", scope], new Map([[digest, value]]));
    return true;
  }

  async function isNamed(scope: string, id: string): Promise<boolean> {
    return items.some(["rows", scope], { content: id });
  }

  async function release(
    scope: string,
    digest: string,
    place: ContentPlace,
    at: number,
  ): Promise<void> {
    if (await isNamed(scope, place.id)) return;
    await mark(scope, place.id, at);
    if ((await find(scope, digest))?.id === place.id) {
      await items.remove(["contents", scope], [digest]);
    }
  }

  async function dropUnfinished(scope: string, id: string): Promise<number> {
    // How far the writer came is not written anywhere: go on until there is nothing more.
    for (let first = 0; ; first += CHUNKS_AT_ONCE) {
      const keys = keysFrom(first, CHUNKS_AT_ONCE, Number.POSITIVE_INFINITY);
      const found = await items.getMany(chunkSpace(scope, id), keys);
      if (found.every((chunk) => chunk === undefined)) return 1;
      await items.remove(chunkSpace(scope, id), keys);
    }
  }

  // A process that died between removing a row and releasing its content left it listed.
  async function releaseUnnamed(at: number): Promise<void> {
    const named = new Set<unknown>();
    for await (const { value } of items.all(["rows"])) named.add(value["content"]);
    for await (const { namespace, key, value } of items.all(["contents"])) {
      if (!named.has(value["id"])) await release(namespace[1] ?? "", key, placeOf(value), at);
    }
  }

  async function removeOrphans(startedBefore: number, at: number): Promise<number> {
    let removed = 0;
    for await (const { namespace, key, value } of items.all(["marks"])) {
      const scope = namespace[1] ?? "";
      const since = Number(value["since"]);
      if (since >= startedBefore) continue;
      await mark(scope, key, since, true);
      if (!(await isNamed(scope, key))) removed += await dropUnfinished(scope, key);
      await items.remove(["marks", scope], [key]);
    }
    await releaseUnnamed(at);
    return removed;
  }

  return {
    upload,
    publish,
    find,
    release,
    erase: async (scope, place) => {
      if (!(await isNamed(scope, place.id))) await drop(scope, place);
    },
    removeOrphans,
    chunks: async (scope, place, first, count) => {
      const keys = keysFrom(first, count, place.newlines.length);
      const values = await items.getMany(chunkSpace(scope, place.id), keys);
      let newlinesBefore = place.newlines.slice(0, first).reduce((sum, each) => sum + each, 0);
      return values.map((value, position) => {
        const index = first + position;
        const newlines = place.newlines[index] ?? 0;
        const base64 = value?.["bytes"];
        const bytes = Buffer.from(typeof base64 === "string" ? base64 : "", "base64");
        newlinesBefore += newlines;
        return { index, newlinesBefore: newlinesBefore - newlines, newlines, bytes };
      });
    },
  };
}

function placeOf(value: ItemValue): ContentPlace {
  return { id: String(value["id"]), newlines: JSON.parse(String(value["newlines"])) as number[] };
}

function keysFrom(first: number, count: number, total: number): string[] {
  const length = Math.max(0, Math.min(count, total - first));
  return Array.from({ length }, (_, position) => `${first + position}`);
}
