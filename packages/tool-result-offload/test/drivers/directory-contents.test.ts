import { mkdir, mkdtemp, readdir, rename, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { ResultStore, StoredResult } from "@evenkeel/core";
import { afterEach, beforeEach, expect, test } from "vitest";

import { directoryResults } from "../../src/drivers/directory/driver.ts";
import { ownerKey } from "../../src/drivers/owner-key.ts";
import { openResults } from "../../src/results/results.ts";
import type { Results } from "../../src/results/results.ts";

const AGE_MS = 1e12;
const owner = { scope: "s", threadId: "t" };
const { scope } = ownerKey(owner);
let root: string;
let store: ResultStore;
let results: Results;
let stored: StoredResult;
let content: string;
let trash: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "evenkeel-results-"));
  store = directoryResults(root);
  results = openResults(store);
  stored = await results.put(owner, "still needed");
  content = join(root, "scopes", scope, "contents", stored.digest);
  // Where a collector moves a content before it looks whether anybody refers to it.
  trash = join(root, "uploads", `trash.${scope}.${stored.digest}.1`);
  await mkdir(join(root, "uploads"), { recursive: true });
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function read(): Promise<string | undefined> {
  const slice = await results.read(owner, stored.handle, { offset: 0, length: 100 });
  return slice === undefined ? undefined : Buffer.from(slice.bytes).toString();
}

test("puts back a content that a dead collector had moved away while somebody referred to it", async () => {
  await rename(content, trash);
  await store.prune({ olderThanMs: AGE_MS });
  expect(await read()).toBe("still needed");
  expect(await readdir(join(root, "uploads"))).toEqual([]);
});

test("hands the references over where the content was written anew meanwhile", async () => {
  await rename(content, trash);
  const theirs = { scope: "s", threadId: "other" };
  const again = await results.put(theirs, "still needed");
  await store.prune({ olderThanMs: AGE_MS });
  await store.removeResult(theirs, again.handle);
  expect(await read()).toBe("still needed");
  expect(await readdir(join(root, "uploads"))).toEqual([]);
});

test("waits for a content that is in a collector's hands", async () => {
  await rename(content, trash);
  const reading = read();
  setTimeout(() => void rename(trash, content), 20);
  expect(await reading).toBe("still needed");
});

test("writes anew what a row names and a collector has removed", async () => {
  await rm(content, { recursive: true });
  expect(await read()).toBeUndefined();
  await results.put(owner, "still needed");
  expect(await read()).toBe("still needed");
});

test("removes a reference whose process died before it wrote the row", async () => {
  await rm(join(root, "scopes", scope, "threads"), { recursive: true });
  const longAgo = new Date(Date.now() - 2 * 3_600_000);
  await utimes(join(content, "references"), longAgo, longAgo);
  expect(await store.prune({ olderThanMs: AGE_MS })).toBe(1);
  expect(await readdir(join(root, "scopes", scope, "contents"))).toEqual([]);
});
