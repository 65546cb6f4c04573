import { readFile, rmdir, stat, unlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { directoryContents } from "./directory-contents.ts";
import { makeDirectory, namesIn, unlessMissing, writeAtomically } from "./directory-files.ts";
import type { OwnerKey } from "./handle.ts";
import type { KeySubject, ResultDriver, ResultEntry } from "./result-driver.ts";

interface Row {
  readonly key: OwnerKey;
  readonly entry: ResultEntry;
}

const ATTEMPTS = 8;

/**
 * Results as files of a directory, durable and safe to share between the processes of one machine.
 * Quotas and pruning read every row's file, so it is meant for thousands of results, not millions.
 */
export function directoryResults(root: string): ResultDriver {
  const contents = directoryContents(root);
  const threadPath = (key: OwnerKey): string =>
    join(root, "scopes", key.scope, "threads", key.thread);
  const rowPath = (key: OwnerKey, handle: string): string =>
    join(threadPath(key), `${handle}.json`);

  async function find(key: OwnerKey, handle: string): Promise<ResultEntry | undefined> {
    const path = rowPath(key, handle);
    const json = await unlessMissing(readFile(path, "utf8"));
    const facts = json === undefined ? undefined : await unlessMissing(stat(path));
    if (json === undefined || facts === undefined) return undefined;
    // The file's own time says when it was used: one system call, and no rewrite that could be torn.
    return { ...(JSON.parse(json) as ResultEntry), usedAt: Math.round(facts.mtimeMs) };
  }

  async function use(key: OwnerKey, handle: string, usedAt: number): Promise<boolean> {
    const path = rowPath(key, handle);
    const done = utimes(path, usedAt / 1_000, usedAt / 1_000).then(() => true);
    return (await unlessMissing(done)) ?? false;
  }

  async function writeRow(key: OwnerKey, entry: ResultEntry): Promise<ResultEntry> {
    const there = (await find(key, entry.handle)) ?? entry;
    const renewed = { ...there, usedAt: entry.usedAt, ttlMs: entry.ttlMs };
    await makeDirectory(threadPath(key));
    await writeAtomically(rowPath(key, entry.handle), JSON.stringify(renewed));
    await use(key, entry.handle, entry.usedAt);
    return renewed;
  }

  async function link(key: OwnerKey, entry: ResultEntry): Promise<ResultEntry | undefined> {
    const reference = referenceOf(key, entry.handle);
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      if (!(await contents.refer(key.scope, entry.digest, reference))) break;
      const row = await writeRow(key, entry);
      // Another process may have removed this very handle meanwhile, and with it the reference.
      if (await contents.refers(key.scope, entry.digest, reference)) return row;
    }
    await unlessMissing(unlink(rowPath(key, entry.handle)));
    return undefined;
  }

  async function remove(key: OwnerKey, handle: string): Promise<boolean> {
    const entry = await find(key, handle);
    if (entry === undefined) return false;
    const gone = await unlessMissing(unlink(rowPath(key, handle)).then(() => true));
    if (gone === undefined) return false;
    await contents.unrefer(key.scope, entry.digest, referenceOf(key, handle));
    await contents.collect(key.scope, entry.digest);
    return true;
  }

  async function* rowsOf(subject: KeySubject): AsyncGenerator<Row> {
    const scopes =
      subject.scope === undefined ? await namesIn(join(root, "scopes")) : [subject.scope];
    for (const scope of scopes) {
      const threads = join(root, "scopes", scope, "threads");
      for (const thread of subject.thread === undefined
        ? await namesIn(threads)
        : [subject.thread]) {
        const key = { scope, thread };
        for (const name of await namesIn(threadPath(key))) {
          if (!name.endsWith(".json")) continue;
          const entry = await find(key, name.slice(0, -".json".length));
          if (entry !== undefined) yield { key, entry };
        }
      }
    }
  }

  async function removeWhere(
    subject: KeySubject,
    condition: (entry: ResultEntry) => boolean,
  ): Promise<number> {
    let removed = 0;
    const threads = new Map<string, OwnerKey>();
    for await (const { key, entry } of rowsOf(subject)) {
      if (!condition(entry) || !(await remove(key, entry.handle))) continue;
      removed += 1;
      threads.set(key.thread, key);
    }
    // A directory that still has rows refuses to go, which is right.
    for (const key of threads.values()) await rmdir(threadPath(key)).catch(() => undefined);
    return removed;
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

  return {
    writer: (scope, startedAt) => {
      const upload = contents.upload(startedAt);
      return {
        write: (chunk) => upload.write(chunk),
        commit: async (key, entry) => {
          await upload.seal(referenceOf(key, entry.handle));
          let published = false;
          let row: ResultEntry | undefined;
          while (row === undefined && !published) {
            published = await upload.publish(scope, entry.digest);
            row = await link(key, entry);
          }
          if (!published) await upload.discard();
          // Published and yet gone: another process deleted this very handle right behind us.
          return row ?? entry;
        },
        abort: () => upload.discard(),
      };
    },
    link,
    find,
    chunks: async (key, handle, range) => {
      for (let attempt = 0; ; attempt += 1) {
        const entry = await find(key, handle);
        if (entry === undefined) return undefined;
        const chunks = await contents.read(key.scope, entry.digest, range);
        if (chunks !== undefined) return { entry, chunks };
        // A collector may have it in its hands, about to put it back.
        if (attempt === ATTEMPTS) return undefined;
        await sleep(2 ** attempt);
      }
    },
    use,
    remove,
    forget: (subject) => removeWhere(subject, () => true),
    removeExpired: (now) =>
      removeWhere({}, ({ usedAt, ttlMs }) => ttlMs !== null && usedAt + ttlMs <= now),
    removeOrphans: async (startedBefore) =>
      (await contents.removeUnfinished(startedBefore)) + (await removeUnreferred(startedBefore)),
    usage: async (subject) => {
      let results = 0;
      let bytes = 0;
      const distinct = new Map<string, number>();
      for await (const { key, entry } of rowsOf(subject)) {
        results += 1;
        bytes += entry.size;
        distinct.set(`${key.scope}/${entry.digest}`, entry.size);
      }
      const storedBytes = [...distinct.values()].reduce((total, size) => total + size, 0);
      return { results, bytes, storedBytes };
    },
    leastRecentlyUsed: async (subject, limit) => {
      const rows: Row[] = [];
      for await (const row of rowsOf(subject)) rows.push(row);
      return rows
        .toSorted((left, right) => left.entry.usedAt - right.entry.usedAt)
        .slice(0, limit)
        .map(({ key, entry }) => ({ key, handle: entry.handle, size: entry.size }));
    },
  };
}

function referenceOf(key: OwnerKey, handle: string): string {
  return `${key.thread}.${handle}`;
}
