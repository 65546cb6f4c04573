import { readFileSync, writeFileSync } from "node:fs";

import { EvenkeelError } from "@evenkeel/core";
import { evenkeelPostgres } from "@evenkeel/postgres";
import type { EvenkeelPostgres } from "@evenkeel/postgres";
import { flagExecution } from "@evenkeel/run-flags";
import { freshDatabase } from "@evenkeel/testing";
import type { FreshDatabase } from "@evenkeel/testing";
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import { Command } from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { dumpDatabase, restoreDatabase, schemaOf } from "./database-fixture.ts";
import type { DatabaseFixture } from "./database-fixture.ts";
import { THREAD, runRelease } from "./release.ts";
import type { Ran, Release } from "./release.ts";

const FIXTURE = new URL("./fixtures/database-v1.json", import.meta.url);
const PROMPT = "You work as the first release was told.";
const SCOPE = JSON.stringify(["", THREAD]);

const FIRST: Release = {
  prompt: PROMPT,
  broken: true,
  calls: ["report", "pay", "broken", "broken", "approve"].map((name) => ({ name })),
};

// WRITE_FIXTURE=1 writes the database of this release; the file of a published release never changes.
test.runIf(process.env["WRITE_FIXTURE"] === "1")("the fixture is written", async () => {
  const database = await freshDatabase();
  const store = evenkeelPostgres(database.pool, { schema: schemaOf(database, "evenkeel") });
  await store.setup();
  await new PostgresSaver(database.pool, undefined, {
    schema: schemaOf(database, "checkpoints"),
  }).setup();
  const input = { messages: [new HumanMessage("Refund order 7.")] };
  const { events } = await runRelease(FIRST, database, input);
  await store.appendAudit({
    v: 1,
    id: "01a21cf8-0000-7000-8000-000000000001",
    at: new Date().toISOString(),
    actor: "ann",
    act: "upgradeExecution",
    executionId: events[0]?.executionId ?? null,
    threadId: THREAD,
    scope: SCOPE,
    reason: "A row of every table.",
    detail: {},
  });
  const written = await dumpDatabase(database, [store.setupSql()]);
  writeFileSync(FIXTURE, `${JSON.stringify(written, null, 1)}\n`);
  await database.drop();
  expect(Object.entries(written.tables).filter(([, rows]) => rows.length === 0)).toEqual([]);
});

const fixture = (): DatabaseFixture => JSON.parse(readFileSync(FIXTURE, "utf8")) as DatabaseFixture;

/** The database of the first release, in this one's hands: a deployment has run setup(). */
async function opened(
  change: (name: string, text: string) => string = (_name, text) => text,
): Promise<{ database: FreshDatabase; store: EvenkeelPostgres }> {
  const database = await freshDatabase();
  await new PostgresSaver(database.pool, undefined, {
    schema: schemaOf(database, "checkpoints"),
  }).setup();
  await restoreDatabase(database, changed(fixture(), change));
  const store = evenkeelPostgres(database.pool, { schema: schemaOf(database, "evenkeel") });
  await expect(store.listAudit({})).rejects.toMatchObject({ code: "schema-not-set-up" });
  await store.setup();
  return { database, store };
}

describe("the database of the first release", () => {
  let database: FreshDatabase;
  let store: EvenkeelPostgres;
  beforeAll(async () => ({ database, store } = await opened()));
  afterAll(() => database.drop());

  test("holds a row of every table, and is brought up to date by setup(), once", async () => {
    const empty = Object.entries(fixture().tables).filter(([, rows]) => rows.length === 0);
    expect(empty).toEqual([]);
    await store.setup();
  });

  test("is read, row by row", async () => {
    const [record] = await store.listRecords({ scope: SCOPE });
    expect(record).toMatchObject({ v: 1, status: "interrupted", threadId: THREAD });
    const executionId = String(record?.executionId);
    const effects = await store.listEffects({ scope: SCOPE });
    expect(effects).toMatchObject([{ v: 1, tool: "pay", status: "settled", executionId }]);
    const events = await store.listEvents(executionId);
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
    expect(events.map(({ name }) => name)).toContain("breaker-opened");
    expect(await store.listBreakers(SCOPE)).toMatchObject([{ v: 1, status: "open" }]);
    const manifests = fixture().tables["evenkeel.manifests"] as { hash: string }[];
    for (const { hash } of manifests) {
      expect(await store.getManifest(SCOPE, hash)).toMatchObject({ v: 1 });
    }
    expect(await store.listAudit({ scope: SCOPE })).toMatchObject([{ v: 1, actor: "ann" }]);
    expect(await store.resultUsage({ scope: SCOPE })).toMatchObject({ results: 1 });
  });

  test("is gone on with: frozen as it was, nothing done twice, results read, breakers kept", async () => {
    const handle = handleOf(fixture());
    const later = await runRelease(
      {
        prompt: "You work as a later release is told.",
        broken: false,
        calls: [
          ...FIRST.calls,
          { name: "read_tool_result", args: { handle } },
          { name: "pay" },
          { name: "broken" },
        ],
      },
      database,
      new Command({ resume: "yes" }),
    );
    const names = later.events.map(({ name }) => name);
    expect(later.messages.at(-1)?.text).toBe("All is done.");
    expect(later.done).toEqual(["broken"]);
    const answers = later.messages.filter((message) => ToolMessage.isInstance(message));
    expect(answers.slice(4).map(({ text }) => text)).toEqual([
      "approved: yes",
      expect.stringContaining("row 1 of the report"),
      "paid, receipt 1",
      "mended",
    ]);
    expect(names).toContain("effect-reused");
    expect(names).toContain("breaker-closed");
    expect(JSON.stringify(later.asked.map(({ messages }) => messages[0]))).toContain(PROMPT);
    const executionId = later.events[0]?.executionId ?? "";
    const events = await store.listEvents(executionId);
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
    expect(events.length).toBeGreaterThan(later.events.length);
    expect(await store.getRecord(executionId)).toMatchObject({ status: "completed" });
  });
});

/** A fixture whose tables were written by another release. */
function changed(
  { tables, ...rest }: DatabaseFixture,
  change: (name: string, text: string) => string,
): DatabaseFixture {
  const entries = Object.entries(tables).map(([name, rows]) => [
    name,
    JSON.parse(change(name, JSON.stringify(rows))) as object[],
  ]);
  return { ...rest, tables: Object.fromEntries(entries) as DatabaseFixture["tables"] };
}

/** Hexadecimal of a text, as Postgres writes bytes. */
const hex = (text: string): string => Buffer.from(text).toString("hex");

describe("what a later release wrote is refused with a code, by this one", () => {
  const codeOf = async (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => "nothing was refused",
      (error: unknown) => (EvenkeelError.isInstance(error) ? error.code : error),
    );
  const resume = (
    database: FreshDatabase,
    calls: Release["calls"] = FIRST.calls,
  ): Promise<unknown> =>
    runRelease({ ...FIRST, calls, broken: false }, database, new Command({ resume: "yes" }));

  test("a schema of a later migration", async () => {
    const { database, store } = await opened();
    await database.pool.query(
      `INSERT INTO "${schemaOf(database, "evenkeel")}".migrations VALUES (99, 'later')`,
    );
    expect(await codeOf(store.setup())).toBe("schema-version-unsupported");
    expect(await codeOf(resume(database))).toBe("schema-version-unsupported");
    await database.drop();
  });

  const rows = (name: string) => (table: string, text: string) =>
    table === `evenkeel.${name}` ? text.replaceAll('{\\"v\\":1,', '{\\"v\\":99,') : text;

  test.each([
    ["private state", "state-version-unsupported", [], stateOf99],
    ["a manifest", "manifest-version-unsupported", [], rows("manifests")],
    ["a ledger's result", "result-unreadable", [{ name: "pay" }], rows("effects")],
  ] as const)("%s", async (_title, code, calls, change) => {
    const { database } = await opened(change);
    const before = await rowsIn(database);
    expect(await codeOf(resume(database, [...FIRST.calls, ...calls]))).toBe(code);
    // The ledger is refused in the middle of a run, the others before it begins.
    const written = calls.length > 0 ? before : await rowsIn(database);
    expect(written).toEqual(before);
    await database.drop();
  });

  test.each([
    ["a run record", '{\\"v\\":1,\\"executionId'],
    ["what run-flags keeps in one", '\\"runFlags\\":{\\"v\\":1,'],
  ])("%s", async (_title, begins) => {
    const { database, store } = await opened((table, text) =>
      table === "evenkeel.run_records" ? text.replace(begins, begins.replace("1", "99")) : text,
    );
    const [record] = await store.listRecords({ scope: SCOPE });
    expect(JSON.stringify(record)).toContain('"v":99');
    const flag = { store, actor: "ann", reason: "odd" };
    const flagged = flagExecution(record?.executionId ?? "", flag);
    expect(await codeOf(flagged)).toBe("run-report-version");
    await database.drop();
  });

  test("a breaker, which is as if it were closed, and said so", async () => {
    const { database } = await opened(rows("breakers"));
    const { events } = (await resume(database, [...FIRST.calls, { name: "broken" }])) as Ran;
    expect(events.filter(({ name }) => name === "middleware-warning")).toMatchObject([
      { detail: { reason: "breaker-unreadable" } },
    ]);
    await database.drop();
  });
});

/** Every value of a private channel, of version 99. */
function stateOf99(table: string, text: string): string {
  if (!table.startsWith("checkpoints.")) return text;
  return text.replaceAll(hex('{"v":1,"e":'), hex('{"v":99,"e":'));
}

/** How many rows all tables have: a refusal writes none. */
async function rowsIn(database: FreshDatabase): Promise<Record<string, number>> {
  const { tables } = await dumpDatabase(database, []);
  return Object.fromEntries(Object.entries(tables).map(([name, rows]) => [name, rows.length]));
}

function handleOf({ tables }: DatabaseFixture): string {
  const [result] = tables["evenkeel.results"] as { handle: string }[];
  return result?.handle ?? "";
}
