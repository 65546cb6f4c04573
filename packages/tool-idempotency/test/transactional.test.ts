import { evenkeelPostgres } from "@evenkeel/postgres";
import { freshDatabase } from "@evenkeel/testing";
import type { FreshDatabase } from "@evenkeel/testing";
import type { PoolClient } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { IdempotencyError, effectTransaction, idempotencyKey } from "../src/index.ts";
import { SCOPE, bank, calls, doing, leaseOver } from "./support/bank.ts";

const turns = [calls(["credit"]), { content: "Done." }];

let database: FreshDatabase;
let schema: string;
beforeAll(async () => {
  database = await freshDatabase({ maxConnections: 4 });
});
afterAll(() => database.drop());

let round = 0;
beforeEach(async () => {
  schema = `${database.schema ?? "evenkeel"}_credits_${(round += 1)}`;
  await evenkeelPostgres(database.pool, { schema }).setup();
  await database.pool.query(`CREATE TABLE "${schema}".credits (about text)`);
});

const store = (): ReturnType<typeof evenkeelPostgres> =>
  evenkeelPostgres(database.pool, { schema });

async function credits(): Promise<number> {
  const { rows } = await database.pool.query(`SELECT about FROM "${schema}".credits`);
  return rows.length;
}

/** Grants credit in the transaction of its record, and fails after that as often as it is told. */
function credit(failures = 0): ReturnType<typeof doing> {
  let left = failures;
  return doing("credit", async ({ order }: { order: string }) => {
    const client = effectTransaction<PoolClient>();
    await client.query(`INSERT INTO "${schema}".credits VALUES ($1)`, [order]);
    if ((left -= 1) >= 0) throw new Error("the printer is on fire");
    return `credited ${order}`;
  });
}

const tools = { credit: "transactional" } as const;

describe.each(["enforce", "observe"] as const)("a transactional effect in %s", (mode) => {
  it("commits with its record", async () => {
    const keeps = store();
    const one = await bank({ turns, does: [credit()], keeps, tools, mode });
    const { answers } = await one.start();
    expect(answers.map(({ text }) => text)).toEqual(["credited A1"]);
    expect(await credits()).toBe(1);
    expect(await keeps.listEffects({ scope: SCOPE, status: "settled" })).toHaveLength(1);
  });

  it("is undone where the tool fails after it, and may be made again", async () => {
    const again = [calls(["credit"]), calls(["credit"]), { content: "Done." }];
    const one = await bank({ turns: again, does: [credit(1)], keeps: store(), tools, mode });
    const { answers } = await one.start();
    expect(answers[0]?.text).toContain("on fire");
    expect(answers[1]?.text).toBe("credited A1");
    expect(await credits()).toBe(1);
  });

  it("is answered from its record on replay where it is enforced, and only reported in observe", async () => {
    const one = await bank({ turns, does: [credit()], keeps: store(), tools, mode });
    await one.start();
    const [first] = await one.checkpoints();
    const { answers } = await one.go(null, { configurable: { checkpoint_id: first } });
    expect(answers.map(({ text }) => text)).toEqual(["credited A1"]);
    expect(await credits()).toBe(mode === "enforce" ? 1 : 2);
    expect(one.events.map(({ name }) => name)).toContain("effect-reused");
  });
});

/** A store whose first transaction is lost before it commits. */
function losing(keeps: ReturnType<typeof store>): ReturnType<typeof store> {
  let losses = 1;
  return {
    ...keeps,
    settleInTransaction: async (claim, work) =>
      (await keeps.settleInTransaction?.(claim, async (client) => {
        const settlement = await work(client);
        if ((losses -= 1) < 0) return settlement;
        throw new IdempotencyError({ code: "lease-lost", message: "the worker dies here" });
      })) ?? false,
  };
}

it("is undone where its worker dies before the commit, and made by the next", async () => {
  const one = await bank({ turns, does: [credit()], keeps: losing(store()), tools });
  await expect(one.start()).rejects.toThrow("the worker dies here");
  expect(await credits()).toBe(0);
  await leaseOver();
  const { answers } = await one.go(null);
  expect(answers.map(({ text }) => text)).toEqual(["credited A1"]);
  expect(await credits()).toBe(1);
});

it.each(["enforce", "observe"] as const)(
  "can do nothing more where the run was aborted while the tool was at it, in %s",
  async (mode) => {
    const abort = new AbortController();
    let late: Promise<unknown> = Promise.resolve();
    const slow = doing("credit", ({ order }: { order: string }) => {
      const client = effectTransaction<PoolClient>();
      late = (async () => {
        await client.query("SELECT 1");
        abort.abort(new Error("the user left"));
        await leaseOver();
        await client.query(`INSERT INTO "${schema}".credits VALUES ($1)`, [order]);
      })();
      return late;
    });
    const one = await bank({ turns, does: [slow], keeps: store(), tools, mode });
    await expect(one.start("Please.", { signal: abort.signal })).rejects.toThrow();
    await expect(late).rejects.toMatchObject({ code: "no-effect-here" });
    expect(await credits()).toBe(0);
  },
);

it("says in observe that a transaction was lost, whose answer is delivered", async () => {
  const one = await bank({
    turns,
    does: [credit()],
    keeps: losing(store()),
    tools,
    mode: "observe",
  });
  await one.start();
  expect(await credits()).toBe(0);
  expect(one.events.find(({ name }) => name === "middleware-warning")?.severity).toBe("high");
});

it("enforces what was recorded in observe", async () => {
  const key = ({ order }: Readonly<Record<string, unknown>>): string => `credit:${String(order)}`;
  const parts = {
    turns,
    keeps: store(),
    tools: { credit: { effect: "transactional", key } },
  } as const;
  const observed = await bank({ ...parts, does: [credit()], mode: "observe" });
  await observed.start();
  const enforced = await bank({ ...parts, does: [credit()] });
  const { answers } = await enforced.start();
  expect(answers.map(({ text }) => text)).toEqual(["credited A1"]);
  expect(await credits()).toBe(1);
});

it("has no transaction and no key outside of a tool, and says so", () => {
  const code = { code: "no-effect-here" };
  expect(() => effectTransaction()).toThrow(expect.objectContaining(code));
  expect(() => idempotencyKey()).toThrow(expect.objectContaining(code));
});
