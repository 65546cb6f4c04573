import type { RunRecord } from "@evenkeel/core";
import { evenkeelPostgres } from "@evenkeel/postgres";
import { freshDatabase, run } from "@evenkeel/testing";
import type { FreshDatabase } from "@evenkeel/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { runCli } from "../src/cli/run-cli.ts";
import { SAVED_FILTERS, flagExecution, runFlagsMiddleware } from "../src/index.ts";
import { BAD, GOOD, onThread, refundAgent, request } from "./support/refund-agent.ts";

/** What a model or a caller may have called things. */
const HOSTILE = "\u001B[2J\u009B31m<script>alert(1)</script>\u202Egnp\u0000";

let database: FreshDatabase;
const SCHEMA = "evenkeel flags".replace(" ", "_");

beforeAll(async () => {
  database = await freshDatabase();
  const store = evenkeelPostgres(database.pool, { schema: SCHEMA });
  await store.setup();
  const flags = runFlagsMiddleware({ store });
  const begin = async (script: typeof GOOD, thread: string): Promise<RunRecord> => {
    await refundAgent(script, [flags]).invoke(request(), onThread(thread));
    const [record] = await store.listRecords({ threadId: thread });
    if (record === undefined) throw new Error("no record");
    return record;
  };
  const good = await begin(GOOD, "good");
  await begin(BAD, "bad");
  const { executionId } = await begin(GOOD, "rude");
  await flagExecution(executionId, { reason: "rude", actor: "ada", comment: HOSTILE, store });
  const { facts, ...record } = await begin(BAD, `hostile ${HOSTILE}`);
  await store.putRecord({
    ...record,
    facts,
    executionId: HOSTILE,
    startedAt: "2020-01-01T00:00:00Z",
  });
  await store.putRecord({ ...record, executionId: "later", facts: { runFlags: { v: 9 } } });
  await store.putRecord({ ...good, executionId: "dead", status: "running", endedAt: null });
});
afterAll(() => database.drop());

async function cli(...args: string[]) {
  const out: string[] = [];
  const errors: string[] = [];
  const code = await runCli(args, {
    env: { DATABASE_URL: database.url },
    now: Date.now,
    print: (text) => out.push(text),
    complain: (text) => errors.push(text),
  });
  return { code, out: out.join(""), errors: errors.join("") };
}

async function listed(...args: string[]): Promise<string[]> {
  const { out } = await cli("list", "--schema", SCHEMA, "--json", ...args);
  const runs = JSON.parse(out) as { threadId: string }[];
  return runs.map(({ threadId }) => threadId.split(" ")[0] ?? "");
}

describe("evenkeel-flags list", () => {
  test("is a program of its own", async () => {
    const { stdout } = await run({
      script: new URL("../src/cli/main.ts", import.meta.url),
      args: ["list", "--schema", SCHEMA],
      env: { DATABASE_URL: database.url },
      bundle: true,
    });
    expect(stdout).toContain("last-call-failed: The last call");
    expect(stdout).toContain("rude: Flagged by ada");
    expect(stdout).not.toContain(" good");
  });

  test("filters by severity, reason, time and count, newest first", async () => {
    expect((await listed()).toSorted()).toEqual(["bad", "hostile", "hostile", "rude"]);
    expect(await listed("--severity", "high")).toEqual(["rude"]);
    expect(await listed("--reason", "rude")).toEqual(["rude"]);
    expect(await listed("--since", "1h")).not.toContain("2020");
    expect(await listed("--since", "2020-01-02")).toHaveLength(3);
    expect((await listed("--limit", "1")).length).toBe(1);
    expect(await listed("--reason", "unheard-of")).toEqual([]);
  });

  test("says of records it cannot read that there are some", async () => {
    const { out, errors, code } = await cli("list", "--schema", SCHEMA, "--reason", "unheard-of");
    expect({ out, code }).toEqual({ out: "No flagged run.\n", code: 0 });
    expect(errors).toBe("1 records are damaged, or of a later release.\n");
  });

  test("lets no control reach the terminal, in a table and in JSON", async () => {
    for (const format of [[], ["--json"]]) {
      const { out } = await cli("list", "--schema", SCHEMA, ...format);
      // oxlint-disable-next-line no-control-regex
      expect(out).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202A-\u202E]/);
      expect(out).toContain("<script>");
    }
  });
});

describe("evenkeel-flags sweep", () => {
  test("finds the dead, and each once", async () => {
    expect((await cli("sweep", "--schema", SCHEMA, "--older-than", "30m")).out).toBe("0 found.\n");
    expect((await cli("sweep", "--schema", SCHEMA, "--older-than", "0.001s")).out).toBe(
      "dead died\n1 found.\n",
    );
    const { out } = await cli("sweep", "--schema", SCHEMA, "--older-than", "0.001s", "--json");
    expect(JSON.parse(out)).toEqual([]);
  });
});

describe("evenkeel-flags", () => {
  test("setup prints the filters to paste", async () => {
    const { out, code } = await cli("setup", "--project", "shop");
    for (const { filter } of SAVED_FILTERS) expect(out).toContain(filter);
    expect(code).toBe(0);
  });

  test("explains itself", async () => {
    expect((await cli("--help")).out).toContain("evenkeel-flags list");
    expect(await cli()).toMatchObject({ code: 0, errors: "" });
  });

  test.each([
    ["a command that is none", ["lits"], "list, sweep, setup"],
    ["an option that is none", ["list", "--color"], "--help"],
    ["an option of another command", ["list", "--older-than", "1h"], "--severity"],
    ["a severity that is none", ["list", "--severity", "grave"], "info, low"],
    ["a time that is none", ["list", "--since", "yesterday"], "24h"],
    ["a count that is none", ["list", "--limit", "0"], "from 1"],
    ["an age that is none", ["sweep", "--older-than", "long"], "30m"],
    ["a word too many", ["list", "flags"], "options only"],
  ])("refuses %s with exit code 2", async (_title, args, allowed) => {
    const { code, errors } = await cli(...args);
    expect(code).toBe(2);
    expect(errors).toContain(allowed);
    expect(errors).toContain("(invalid-options)");
  });

  test("says what went wrong with the database, with exit code 1", async () => {
    const elsewhere = await cli("list", "--schema", "nowhere");
    expect(elsewhere).toMatchObject({ code: 1, out: "" });
    expect(elsewhere.errors).toContain("(schema-not-set-up)");
    const down = await cli("list", "--url", "postgres://nobody@127.0.0.1:9/none");
    expect(down.errors).toContain("(store-unavailable)");
  });
});
