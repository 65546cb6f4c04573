import { evenkeelPostgres } from "@evenkeel/postgres";
import type { EvenkeelPostgres } from "@evenkeel/postgres";
import { freshDatabase } from "@evenkeel/testing";
import type { ChatReply, FreshDatabase } from "@evenkeel/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { THREAD, openTenants } from "./tenant.ts";
import type { TenantParts, TenantRun, Tenants } from "./tenant.ts";

let database: FreshDatabase;
let schema: string;
let store: EvenkeelPostgres;
let tenants: Tenants;
beforeAll(async () => {
  database = await freshDatabase({ maxConnections: 20 });
  schema = `${database.schema ?? "evenkeel"}_tenants`;
  store = evenkeelPostgres(database.pool, { schema });
  await store.setup();
  tenants = await openTenants(database, store);
});
afterAll(async () => {
  await tenants.close();
  await database.drop();
});

/** Calls of ids and arguments that are equal for all tenants, one a turn, then the answer. */
function calling(names: readonly string[], run = 0): ChatReply[] {
  const args = { order: "7" };
  const calls = names.map((name, index) => ({
    toolCalls: [{ id: `call-${run}-${index}`, name, args }],
  }));
  return [...calls, { content: "Done." }];
}

const textsOf = ({ answers }: TenantRun): string[] => answers.map(({ text }) => text);
const namesOf = ({ events }: TenantRun): string[] => events.map(({ name }) => name);

let pairs = 0;
type Pair = readonly [one: TenantParts, other: TenantParts];
/** Two tenants that are equal in all but their scope; with `same`, not even in that. */
function pair(same: boolean, parts: (owner: string) => Omit<TenantParts, "name" | "scope">): Pair {
  pairs += 1;
  const make = (owner: string): TenantParts => ({
    ...parts(owner),
    name: `${owner}_${pairs}`,
    scope: `${same ? "both" : owner} ${pairs}`,
  });
  return [make("one"), make("other")];
}

// The second row proves that the first can fail: of one scope, the two do meet.
describe.each([
  ["of two scopes never", false],
  ["of one scope", true],
])("two tenants %s meet", (_title, same) => {
  test("in an effect with a business key", async () => {
    const paid: string[] = [];
    const [one, other] = pair(same, (owner) => ({
      tools: { pay: () => `receipt ${paid.push(owner)} of ${owner}` },
      turns: calling(["pay"]),
    }));
    const first = await tenants.run(one);
    const second = await tenants.run(other);
    expect(textsOf(first)).toEqual(["receipt 1 of one"]);
    expect(textsOf(second)).toEqual([same ? "receipt 1 of one" : "receipt 2 of other"]);
    expect(paid).toEqual(same ? ["one"] : ["one", "other"]);
    expect(namesOf(second).includes("effect-reused")).toBe(same);
    const seen = await store.listEffects({ scope: other.scope });
    expect(seen.filter(({ tool }) => tool === "pay")).toHaveLength(1);
  });

  test("in an effect that is in flight", async () => {
    const both: { release?: () => void } = {};
    const held = new Promise<void>((resolve) => (both.release = resolve));
    const begun: string[] = [];
    let begins = (): void => undefined;
    const began = new Promise<void>((resolve) => (begins = resolve));
    const [one, other] = pair(same, (owner) => ({
      tools: {
        pay: async () => {
          begun.push(owner);
          begins();
          if (owner === "one") await held;
          return `receipt of ${owner}`;
        },
      },
      turns: calling(["pay"]),
    }));
    const first = tenants.run(one);
    await began;
    const second = await tenants.run(other).then(textsOf, (error: unknown) => error);
    both.release?.();
    expect(textsOf(await first)).toEqual(["receipt of one"]);
    expect(begun).toEqual(same ? ["one"] : ["one", "other"]);
    const refused = expect.objectContaining({ code: "effect-in-flight" }) as unknown;
    expect(second).toEqual(same ? refused : ["receipt of other"]);
  });

  test("in a large result", async () => {
    const content = Array.from({ length: 3_000 }, (_, row) => `row ${row} of pair ${pairs}`);
    const [one, other] = pair(same, () => ({
      tools: { report: () => content.join("\n") },
      turns: calling(["report"]),
    }));
    const [first, second] = await Promise.all([tenants.run(one), tenants.run(other)]);
    const [mine, theirs] = [first, second].map((run) => handleIn(textsOf(run)[0] ?? ""));
    const usage = await store.resultUsage({ scope: one.scope });
    expect(usage.results).toBe(1);
    // The other reads with the handle it was never given.
    const args = { handle: mine };
    const read = await tenants.run({
      ...other,
      turns: [
        { toolCalls: [{ id: "read", name: "read_tool_result", args }] },
        { content: "Read." },
      ],
    });
    const [answer = ""] = textsOf(read);
    expect(answer).toContain(same ? "row 0 of pair" : "[handle-foreign]");
    expect(mine === theirs).toBe(same);
  });

  test("at a circuit breaker", async () => {
    const called: string[] = [];
    const [one, other] = pair(same, (owner) => ({
      tools: {
        broken: () => {
          called.push(owner);
          throw Object.assign(new Error("503 Service Unavailable"), { status: 503 });
        },
      },
      turns: calling(["broken", "broken"]),
    }));
    const first = await tenants.run(one);
    expect(namesOf(first)).toContain("breaker-opened");
    const before = called.length;
    await tenants.run({ ...other, turns: calling(["broken"]) });
    expect(called.slice(before)).toEqual(same ? [] : ["other"]);
    const open = async (scope: string): Promise<number> =>
      (await store.listBreakers(scope)).filter(({ status }) => status === "open").length;
    expect(await open(one.scope)).toBe(1);
    expect(await open(other.scope)).toBe(same ? 1 : 0);
  });

  test("in the retries of a provider", async () => {
    const tried: string[] = [];
    const [one, other] = pair(same, (owner) => ({
      tools: {
        flaky: () => {
          tried.push(owner);
          throw Object.assign(new Error("503 Service Unavailable"), { status: 503 });
        },
      },
      turns: calling(["flaky"]),
    }));
    for (let run = 0; run < 4; run += 1) {
      await tenants.run({ ...one, turns: calling(["flaky"], run) });
    }
    const before = tried.length;
    await tenants.run(other);
    expect(tried.slice(before)).toHaveLength(same ? 1 : 3);
  });

  test("in records, baselines and flags", async () => {
    const [one, other] = pair(same, () => ({
      tools: { look_up: () => "found", refund: () => "refunded" },
      turns: calling(["look_up", "refund"]),
    }));
    for (let run = 0; run < 4; run += 1) {
      await tenants.run({ ...one, turns: calling(["look_up", "refund"], run) });
    }
    // It leaves out what every good run of the first one did: odd to the one, usual to nobody else.
    const odd = await tenants.run({ ...other, turns: calling(["look_up"]) });
    const [record] = await store.listRecords({ scope: other.scope, limit: 1 });
    expect(record?.executionId).toBe(odd.events[0]?.executionId);
    expect(JSON.stringify(record?.facts).includes("usual-tool-missing")).toBe(same);
    expect(await store.listRecords({ scope: one.scope })).toHaveLength(same ? 5 : 4);
    expect(await store.listRecords({ scope: other.scope })).toHaveLength(same ? 5 : 1);
  });

  test("in what was frozen, in events, or in what is forgotten", async () => {
    const [one, other] = pair(same, (owner) => ({
      tools: { pay: () => `receipt of ${owner}` },
      turns: calling(["pay"]),
    }));
    const [first, second] = await Promise.all([
      tenants.run(one),
      tenants.run({ ...other, tone: "strict" }),
    ]);
    const hash = String(first.events.find(({ name }) => name === "config-frozen")?.detail["hash"]);
    expect(await store.getManifest(one.scope, hash)).toBeDefined();
    expect((await store.getManifest(other.scope, hash)) !== undefined).toBe(same);
    const executions = [first, second].map(({ events }) => [
      ...new Set(events.map(({ executionId }) => executionId)),
    ]);
    expect(executions.flat()).toHaveLength(2);
    expect(new Set(executions.flat()).size).toBe(2);

    const left = await rowsOf(other.scope);
    expect(Object.keys(left).length).toBeGreaterThan(3);
    await store.forget({ scope: one.scope, threadId: THREAD });
    await store.forget({ scope: one.scope });
    expect(await rowsOf(one.scope)).toEqual({});
    expect(await rowsOf(other.scope)).toEqual(same ? {} : left);
  });
});

function handleIn(text: string): string {
  return /res_[a-z0-9]{20}/.exec(text)?.[0] ?? "none";
}

/** How many rows of a scope each table with scopes has. */
async function rowsOf(scope: string): Promise<Record<string, number>> {
  const { rows: tables } = await database.pool.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.columns
     WHERE table_schema = $1 AND column_name = 'scope'`,
    [schema],
  );
  const counts = await Promise.all(
    tables.map(async ({ name }): Promise<[string, number]> => {
      const { rows } = await database.pool.query(
        `SELECT 1 FROM "${schema}"."${name}" WHERE scope = $1`,
        [scope],
      );
      return [name, rows.length];
    }),
  );
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}
