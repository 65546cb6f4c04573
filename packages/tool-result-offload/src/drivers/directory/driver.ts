import { createHash } from "node:crypto";
import { readFile, rmdir, stat, unlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { ORPHAN_AFTER_MS } from "@evenkeel/core";
import type { ResultStore, StoredResult } from "@evenkeel/core";

import { listedRows } from "../listed-rows.ts";
import type { ListedRow } from "../listed-rows.ts";
import { ownerKey } from "../owner-key.ts";
import type { OwnerKey } from "../owner-key.ts";
import { directoryContents } from "./contents.ts";
import { makeDirectory, namesIn, unlessMissing, writeAtomically } from "./files.ts";

const ATTEMPTS = 8;

/**
 * Keeps a run's large results as files of a directory: durable, and safe to share between the
 * processes of one machine. Quotas and pruning read every row's file, so it is meant for thousands
 * of results, not millions.
 */
export function directoryResults(root: string): ResultStore {
  const contents = directoryContents(root);
  const threadPath = (key: OwnerKey): string =>
    join(root, "scopes", key.scope, "threads", key.thread);
  const rowPath = (key: OwnerKey, handle: string): string =>
    join(threadPath(key), `${fileName(handle)}.json`);

  async function find(key: OwnerKey, handle: string): Promise<StoredResult | undefined> {
    return readRow(rowPath(key, handle));
  }

  async function touch(key: OwnerKey, handle: string, usedAt: number): Promise<boolean> {
    const path = rowPath(key, handle);
    const done = utimes(path, usedAt / 1_000, usedAt / 1_000).then(() => true);
    return (await unlessMissing(done)) ?? false;
  }

  async function writeRow(key: OwnerKey, result: StoredResult): Promise<StoredResult> {
    const { handle, usedAt, ttlMs } = result;
    const renewed = { ...((await find(key, handle)) ?? result), usedAt, ttlMs };
    await makeDirectory(threadPath(key));
    await writeAtomically(rowPath(key, handle), JSON.stringify(renewed));
    await touch(key, handle, usedAt);
    return renewed;
  }

  async function link(key: OwnerKey, result: StoredResult): Promise<StoredResult | undefined> {
    const { digest, handle } = result;
    const reference = referenceOf(key, handle);
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      if (!(await contents.refer(key.scope, digest, reference))) break;
      const row = await writeRow(key, result);
      // Another process may have removed this very handle meanwhile, and with it the reference.
      if (await contents.refers(key.scope, digest, reference)) return row;
    }
    await unlessMissing(unlink(rowPath(key, handle)));
    return undefined;
  }

  async function remove(key: OwnerKey, handle: string): Promise<boolean> {
    const result = await find(key, handle);
    if (result === undefined) return false;
    const gone = await unlessMissing(unlink(rowPath(key, handle)).then(() => true));
    if (gone === undefined) return false;
    await contents.unrefer(key.scope, result.digest, referenceOf(key, handle));
    await contents.collect(key.scope, result.digest);
    return true;
  }

  async function rowsOfThread(key: OwnerKey): Promise<ListedRow[]> {
    const found: ListedRow[] = [];
    for (const name of await namesIn(threadPath(key))) {
      if (!name.endsWith(".json")) continue;
      const result = await readRow(join(threadPath(key), name));
      if (result !== undefined)
        found.push({ key, result, content: `${key.scope}/${result.digest}` });
    }
    return found;
  }

  async function rows({ scope: one, thread: only }: Partial<OwnerKey>): Promise<ListedRow[]> {
    const found: ListedRow[] = [];
    for (const scope of one === undefined ? await namesIn(join(root, "scopes")) : [one]) {
      const threads = join(root, "scopes", scope, "threads");
      for (const thread of only === undefined ? await namesIn(threads) : [only]) {
        found.push(...(await rowsOfThread({ scope, thread })));
      }
    }
    return found;
  }

  // What a process left that died between a reference and its row, or between a row's end and its content's.
  async function removeUnreferred(before: number): Promise<number> {
    let removed = 0;
    for await (const { scope, digest, references } of contents.settled(before)) {
      for (const reference of references) {
        const [thread = "", handle = ""] = reference.split(".");
        const row = await find({ scope, thread }, handle);
        if (row === undefined) await contents.unrefer(scope, digest, reference);
      }
      removed += (await contents.collect(scope, digest)) ? 1 : 0;
    }
    return removed;
  }

  const { forgetRows, pruneRows, ...many } = listedRows({
    rows,
    remove: async ({ key, result }) => remove(key, result.handle),
  });

  return {
    ...many,
    writeResult(owner, startedAt) {
      const key = ownerKey(owner);
      const upload = contents.upload(startedAt);
      return {
        write: (chunk) => upload.write(chunk),
        async commit(result) {
          await upload.seal(referenceOf(key, result.handle));
          let published = false;
          let row: StoredResult | undefined;
          while (row === undefined && !published) {
            published = await upload.publish(key.scope, result.digest);
            row = await link(key, result);
          }
          if (!published) await upload.discard();
          // Published and yet gone: another process deleted this very handle right behind us.
          return row ?? result;
        },
        abort: () => upload.discard(),
      };
    },
    linkResult: async (owner, result) => link(ownerKey(owner), result),
    findResult: async (owner, handle) => find(ownerKey(owner), handle),
    async readResult(owner, handle, range) {
      const key = ownerKey(owner);
      for (let attempt = 0; ; attempt += 1) {
        const result = await find(key, handle);
        if (result === undefined) return undefined;
        const chunks = await contents.read(key.scope, result.digest, range);
        if (chunks !== undefined) return { result, chunks };
        // A collector may have it in its hands, about to put it back.
        if (attempt === ATTEMPTS) return undefined;
        await sleep(2 ** attempt);
      }
    },
    touchResult: async (owner, handle, usedAt) => touch(ownerKey(owner), handle, usedAt),
    removeResult: async (owner, handle) => remove(ownerKey(owner), handle),
    async forget(subject) {
      const gone = await forgetRows(subject);
      // A directory that still has rows refuses to go, which is right.
      for (const path of new Set(gone.map(({ key }) => threadPath(key)))) {
        await rmdir(path).catch(() => undefined);
      }
      return gone.length;
    },
    async prune(ages) {
      const old = await pruneRows(ages, Date.now());
      const before = Date.now() - ORPHAN_AFTER_MS;
      return old + (await contents.removeUnfinished(before)) + (await removeUnreferred(before));
    },
  };
}

async function readRow(path: string): Promise<StoredResult | undefined> {
  const json = await unlessMissing(readFile(path, "utf8"));
  const facts = json === undefined ? undefined : await unlessMissing(stat(path));
  if (json === undefined || facts === undefined) return undefined;
  // The file's own time says when it was used: one system call, and no rewrite that could be torn.
  return { ...(JSON.parse(json) as StoredResult), usedAt: Math.round(facts.mtimeMs) };
}

function referenceOf(key: OwnerKey, handle: string): string {
  return `${key.thread}.${fileName(handle)}`;
}

/** Handles are plain words; whatever else comes must not lead out of the directory. */
function fileName(handle: string): string {
  if (/^\w{1,80}$/.test(handle)) return handle;
  return createHash("sha256").update(handle).digest("hex");
}
