import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { memoryStore } from "@evenkeel/core";
import type { ResultStore } from "@evenkeel/core";
import { freshDatabase, testResultStore } from "@evenkeel/testing";
import type { FreshDatabase } from "@evenkeel/testing";
import { InMemoryStore } from "@langchain/langgraph";
import { PostgresStore } from "@langchain/langgraph-checkpoint-postgres/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { baseStoreResults, directoryResults, encryptedResults } from "../../src/index.ts";
import { openResults } from "../../src/results/results.ts";

const xor = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => byte ^ 0x5a);
const codec = {
  encrypt: (bytes: Uint8Array) => Buffer.concat([Buffer.from("~"), xor(bytes)]),
  decrypt: (bytes: Uint8Array) => xor(bytes.subarray(1)),
};

let root: string;
let database: FreshDatabase;
let postgresStore: PostgresStore;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "results-"));
  database = await freshDatabase();
  postgresStore = PostgresStore.fromConnString(database.url, { schema: "langgraph_store" });
  await postgresStore.setup();
});
afterAll(async () => {
  await postgresStore.stop();
  await database.drop();
  await rm(root, { recursive: true });
});

const inMemory = new InMemoryStore();
const stores: readonly [string, () => ResultStore][] = [
  ["memory", memoryStore],
  ["memory, encrypted", () => encryptedResults(memoryStore(), codec)],
  ["a directory", () => directoryResults(join(root, "plain"))],
  ["LangGraph's InMemoryStore", () => baseStoreResults(inMemory)],
  ["LangGraph's PostgresStore", () => baseStoreResults(postgresStore)],
];

describe.each(stores)("on %s", (name, create) => {
  test.each(testResultStore({ create }))("$name", async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });

  test("is read by a second opener", async () => {
    const owner = { scope: "openers", threadId: "t" };
    const first = create();
    const { handle } = await openResults(first).put(owner, "from one to the next");
    const second = name.startsWith("memory") ? first : create();
    const slice = await openResults(second).read(owner, handle, { offset: 0, length: 100 });
    expect(Buffer.from(slice?.bytes ?? []).toString()).toBe("from one to the next");
  });
});

test("leaves no plain byte of an encrypted result behind", async () => {
  const owner = { scope: "secrets", threadId: "t" };
  const plain = directoryResults(join(root, "sealed"));
  const { handle } = await openResults(encryptedResults(plain, codec)).put(
    owner,
    "secret ".repeat(9),
  );
  const files = await readdir(join(root, "sealed"), { recursive: true, withFileTypes: true });
  for (const file of files.filter((entry) => entry.isFile())) {
    const content = await readFile(join(file.parentPath, file.name), "utf8");
    expect(content).not.toContain("secret ");
  }
  const raw = openResults(plain).read(owner, handle, { offset: 0, length: 5 });
  await expect(raw).rejects.toMatchObject({ code: "result-corrupt" });
});

test("lets no handle lead out of the directory", async () => {
  const owner = { scope: "s", threadId: "t" };
  const store = directoryResults(join(root, "inside"));
  for (const handle of ["../../../../etc/passwd", "..", "a/b", "\0", "x".repeat(5_000)]) {
    expect(await store.findResult(owner, handle)).toBeUndefined();
    expect(await store.removeResult(owner, handle)).toBe(false);
  }
});
