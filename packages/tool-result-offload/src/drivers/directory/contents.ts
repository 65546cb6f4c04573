import { randomUUID } from "node:crypto";
import { open, readFile, readdir, rename, rm, stat, unlink } from "node:fs/promises";
import { join } from "node:path";

import { chunksInRange } from "@evenkeel/core";
import type { ChunkRange, ResultChunk } from "@evenkeel/core";

import {
  exists,
  hasCode,
  makeDirectory,
  namesIn,
  syncDirectory,
  unlessMissing,
  writeDurably,
} from "./files.ts";

/** Where the chunks of a content lie in its data file. */
interface ContentIndex {
  v: 1;
  /** Line feeds in each chunk. */
  newlines: number[];
  /** Bytes of each chunk as written. */
  lengths: number[];
}

/** A content that is being written, out of everyone's sight. */
interface Upload {
  write(chunk: ResultChunk): Promise<void>;
  /** Ends the writing: all of it is on the disk, with its first reference inside. */
  seal(reference: string): Promise<void>;
  /** Makes it the scope's content; false if the scope has it already. */
  publish(scope: string, digest: string): Promise<boolean>;
  discard(): Promise<void>;
}

/** The contents of a directory: data with its index, and one empty file for each handle on it. */
export interface Contents {
  upload(startedAt: number): Upload;
  /** Puts a reference on a content; false if the scope has it not. */
  refer(scope: string, digest: string, reference: string): Promise<boolean>;
  refers(scope: string, digest: string, reference: string): Promise<boolean>;
  unrefer(scope: string, digest: string, reference: string): Promise<void>;
  /** Removes a content nobody refers to. */
  collect(scope: string, digest: string): Promise<boolean>;
  read(scope: string, digest: string, range: ChunkRange): Promise<ResultChunk[] | undefined>;
  removeUnfinished(startedBefore: number): Promise<number>;
  /** Every content with what refers to it, if nothing was added to it since `before`. */
  settled(before: number): AsyncIterable<{ scope: string; digest: string; references: string[] }>;
}

/**
 * Several processes may write, refer and collect at once. The rules that keep a reference from
 * pointing at nothing: content is published by one rename with its first reference inside, and it is
 * collected by renaming it away first and looking for references second, so that whoever referred in
 * between is found, and the content put back.
 */
export function directoryContents(root: string): Contents {
  const uploads = join(root, "uploads");
  const contentPath = (scope: string, digest: string): string =>
    join(root, "scopes", scope, "contents", digest);
  const referencePath = (scope: string, digest: string, reference: string): string =>
    join(contentPath(scope, digest), "references", reference);

  function upload(startedAt: number): Upload {
    const path = join(uploads, `${startedAt.toString(36)}-${randomUUID()}`);
    const index: ContentIndex = { v: 1, newlines: [], lengths: [] };
    const opening = makeDirectory(path).then(() => open(join(path, "data"), "w"));
    // The failure is met by whoever awaits the file next; until then it is not unhandled.
    opening.catch(() => undefined);
    return {
      write: async (chunk) => {
        index.newlines.push(chunk.newlines);
        index.lengths.push(chunk.bytes.length);
        await (await opening).writeFile(chunk.bytes);
      },
      seal: async (reference) => {
        const file = await opening;
        await file.sync();
        await file.close();
        await writeDurably(join(path, "index.json"), JSON.stringify(index));
        await makeDirectory(join(path, "references"));
        await writeDurably(join(path, "references", reference), "");
      },
      publish: (scope, digest) => moveIntoPlace(path, scope, digest),
      discard: async () => {
        await (await opening).close().catch(() => undefined);
        await rm(path, { recursive: true, force: true });
      },
    };
  }

  async function moveIntoPlace(path: string, scope: string, digest: string): Promise<boolean> {
    const parent = join(root, "scopes", scope, "contents");
    await makeDirectory(parent);
    try {
      await rename(path, contentPath(scope, digest));
    } catch (error) {
      if (hasCode(error, "ENOTEMPTY", "EEXIST", "EPERM")) return false;
      throw error;
    }
    await syncDirectory(parent);
    return true;
  }

  async function refer(scope: string, digest: string, reference: string): Promise<boolean> {
    const path = referencePath(scope, digest, reference);
    return (await unlessMissing(writeDurably(path, "").then(() => true))) ?? false;
  }

  async function collect(scope: string, digest: string): Promise<boolean> {
    const path = contentPath(scope, digest);
    const references = await unlessMissing(readdir(join(path, "references")));
    if (references === undefined || references.length > 0) return false;
    const trash = join(uploads, `trash.${scope}.${digest}.${randomUUID()}`);
    await makeDirectory(uploads);
    if ((await unlessMissing(rename(path, trash).then(() => true))) === undefined) return false;
    return settleTrash(trash, scope, digest);
  }

  async function settleTrash(trash: string, scope: string, digest: string): Promise<boolean> {
    for (;;) {
      const references = await namesIn(join(trash, "references"));
      if (references.length === 0) {
        await rm(trash, { recursive: true, force: true });
        return true;
      }
      const moved = await unlessMissing(moveIntoPlace(trash, scope, digest));
      // Undefined: another process settled it first.
      if (moved !== false) return false;
      for (const reference of references) {
        if (!(await refer(scope, digest, reference))) continue;
        await unlessMissing(unlink(join(trash, "references", reference)));
      }
    }
  }

  async function read(
    scope: string,
    digest: string,
    range: ChunkRange,
  ): Promise<ResultChunk[] | undefined> {
    const path = contentPath(scope, digest);
    const json = await unlessMissing(readFile(join(path, "index.json"), "utf8"));
    const file = await unlessMissing(open(join(path, "data"), "r"));
    try {
      if (json === undefined || file === undefined) return undefined;
      const index = JSON.parse(json) as ContentIndex;
      const { first, count } = chunksInRange(range, index.newlines);
      const chunks: ResultChunk[] = [];
      let position = sum(index.lengths, first);
      let newlinesBefore = sum(index.newlines, first);
      for (let at = first; at < first + count; at += 1) {
        const length = index.lengths[at] ?? 0;
        const newlines = index.newlines[at] ?? 0;
        const bytes = new Uint8Array(length);
        const { bytesRead } = await file.read(bytes, 0, length, position);
        chunks.push({ index: at, newlinesBefore, newlines, bytes: bytes.subarray(0, bytesRead) });
        position += length;
        newlinesBefore += newlines;
      }
      return chunks;
    } finally {
      await file?.close();
    }
  }

  async function removeUnfinished(startedBefore: number): Promise<number> {
    let removed = 0;
    for (const name of await namesIn(uploads)) {
      const path = join(uploads, name);
      const [kind, scope, digest] = name.split(".");
      if (kind === "trash" && scope !== undefined && digest !== undefined) {
        // A collector that died between its rename and its look for references.
        if (await exists(path)) removed += (await settleTrash(path, scope, digest)) ? 1 : 0;
      } else if (Number.parseInt(name, 36) < startedBefore) {
        await rm(path, { recursive: true, force: true });
        removed += 1;
      }
    }
    return removed;
  }

  async function* settled(
    before: number,
  ): AsyncGenerator<{ scope: string; digest: string; references: string[] }> {
    for (const scope of await namesIn(join(root, "scopes"))) {
      for (const digest of await namesIn(join(root, "scopes", scope, "contents"))) {
        const path = join(contentPath(scope, digest), "references");
        const changed = await unlessMissing(stat(path));
        if (changed === undefined || changed.mtimeMs >= before) continue;
        yield { scope, digest, references: await namesIn(path) };
      }
    }
  }

  return {
    upload,
    refer,
    refers: (scope, digest, reference) => exists(referencePath(scope, digest, reference)),
    unrefer: async (scope, digest, reference) => {
      await unlessMissing(unlink(referencePath(scope, digest, reference)));
    },
    collect,
    read,
    removeUnfinished,
    settled,
  };
}

function sum(values: readonly number[], count: number): number {
  return values.slice(0, count).reduce((total, value) => total + value, 0);
}
