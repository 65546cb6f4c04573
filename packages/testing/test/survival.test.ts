import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { OpenAIEndpoint } from "../src/openai/endpoint.ts";
import { startOpenAIEndpoint } from "../src/openai/endpoint.ts";
import { replyByTurn } from "../src/openai/script.ts";
import type { FreshDatabase } from "../src/postgres/fresh-database.ts";
import { freshDatabase } from "../src/postgres/fresh-database.ts";
import { expectSurvives } from "../src/survival/expect-survives.ts";
import type { SurvivalError } from "../src/survival/survival-error.ts";
import type { SurvivalOptions } from "../src/survival/survival-options.ts";

const fixture = (name: string): string =>
  new URL(`./fixtures/survival/${name}`, import.meta.url).href;
const input = { messages: [{ role: "user", content: "I was charged twice for A1." }] };

let endpoint: OpenAIEndpoint;
let database: FreshDatabase;
let options: SurvivalOptions;
beforeAll(async () => {
  const call = (name: string, id: string) => ({ toolCalls: [{ name, args: { order: "A1" }, id }] });
  const script = replyByTurn([
    call("look_up", "call-1"),
    call("refund", "call-2"),
    { content: "Done." },
  ]);
  [endpoint, database] = await Promise.all([startOpenAIEndpoint({ script }), freshDatabase()]);
  await database.pool.query(
    'CREATE TABLE payments (thread text, key text, "order" text, PRIMARY KEY (thread, key))',
  );
  options = {
    env: { MODEL_URL: endpoint.url, PAYMENTS_URL: database.url },
    readOnly: ["look_up"],
    bundle: true,
  };
});
afterAll(() => Promise.all([endpoint.close(), database.drop()]));

const effects = async ({ threadId }: { threadId: string }): Promise<{ payments: number }> => {
  const query = "SELECT * FROM payments WHERE thread = $1";
  return { payments: (await database.pool.query(query, [threadId])).rowCount ?? 0 };
};

const failureOf = (name: string, more: SurvivalOptions): Promise<SurvivalError> =>
  expectSurvives(fixture(name), input, { ...options, ...more }).then(
    () => expect.unreachable("it survived"),
    (error: SurvivalError) => error,
  );

describe("a graph killed at the boundaries of its supersteps and tools", () => {
  test("survives where its effect is keyed", async () => {
    const all: string[] = [];
    const survival = await expectSurvives(fixture("shop.ts:keyed"), input, {
      ...options,
      effects,
      concurrency: 2,
      config: { durability: "sync" },
      boundaries: (boundary) => {
        all.push(boundary);
        return /refund|tools.*2|checkpoint (-1: before|4)/.test(boundary);
      },
    });
    expect(survival.effects).toEqual({ payments: 1 });
    const effect = (name: string): string[] => [
      `tool ${name}: before its effect`,
      `tool ${name}: after its effect`,
    ];
    const task = (name: string, hit = ""): string[] => [
      `${name}: before its writes are kept${hit}`,
      `${name}: its writes are kept${hit}`,
    ];
    // LangGraph writes a checkpoint while the writes of the step's tasks are still on their way.
    expect(survival.boundaries.toSorted()).toEqual(
      [
        "checkpoint -1: before it is written",
        ...effect("refund"),
        ...task("tools", " #2"),
        "checkpoint 4: written",
      ].toSorted(),
    );
    expect(all.toSorted()).toEqual(
      [
        "checkpoint -1: before it is written",
        ...[-1, 0, 1, 2, 3, 4, 5].map((step) => `checkpoint ${step}: written`),
        ...task("__start__"),
        ...["", " #2", " #3"].flatMap((hit) => task("agent", hit)),
        ...["", " #2"].flatMap((hit) => task("tools", hit)),
        ...effect("look_up"),
        ...effect("refund"),
      ].toSorted(),
    );
  });

  const atTheRefund = (boundary: string): boolean => boundary.startsWith("tool refund");

  test("goes red at the boundary where an effect happened twice, by the world", async () => {
    const { code, message } = await failureOf("shop.ts:unprotected", {
      effects,
      boundaries: atTheRefund,
    });
    expect(code).toBe("did-not-survive");
    expect(message).toContain("shop.ts did not survive 1 of 2 crashes.");
    expect(message).toContain(
      'killed at "tool refund: after its effect":\n  payments happened 2 times, and once without a crash',
    );
  });

  test("goes red where a tool ran twice, by the runs of the tools", async () => {
    const after = (boundary: string): boolean => boundary === "tool refund: after its effect";
    const { message } = await failureOf("shop.ts:unprotected", { boundaries: after });
    expect(message).toContain(
      'killed at "tool refund: after its effect":\n  refund({"order":"A1"}) happened 2 times, and once without a crash',
    );
  });

  test("is answered again after a crash, where it asks", async () => {
    const { boundaries } = await expectSurvives(fixture("shop.ts:asking"), input, {
      ...options,
      effects,
      answers: ["yes"],
      config: { durability: "sync" },
      boundaries: (boundary) => /refund: after|beside/.test(boundary),
    });
    expect(boundaries.toSorted()).toEqual([
      "tool refund: after its effect",
      "writes beside the checkpoint: before its writes are kept",
      "writes beside the checkpoint: its writes are kept",
    ]);
  });

  test("goes red where its state lived in the process", async () => {
    const { message } = await failureOf("states.ts:forgetful", {
      config: { durability: "sync" },
      boundaries: (boundary) => boundary === "look: its writes are kept",
    });
    expect(message).toContain('killed at "look: its writes are kept":\n  seen: 0, not 1');
  });
});

describe("what cannot be judged is refused", () => {
  test("two runs that differ by themselves", async () => {
    const { code, message } = await failureOf("states.ts:dicey", {});
    expect(code).toBe("not-deterministic");
    expect(message).toMatch(/rolled: 0\.\d+, not 0\.\d+/);
  });

  test("a difference is left out by `compare`", async () => {
    const { boundaries } = await expectSurvives(fixture("states.ts:dicey"), input, {
      ...options,
      compare: (state) => Object.keys(state),
      boundaries: (boundary) => boundary === "roll: before its writes are kept",
    });
    expect(boundaries).toHaveLength(1);
  });

  test.each([
    [
      "an export that is none",
      "shop.ts:missing",
      {},
      "run-failed",
      /"missing" is no graph.*asking, keyed/,
    ],
    ["a question without an answer", "shop.ts:asking", {}, "run-failed", /refund A1\?.*no answer/],
    ["no boundary", "shop.ts:keyed", { boundaries: () => false }, "no-boundaries", /chose none/],
  ] as const)("%s", async (_title, name, more, code, says) => {
    const failure = await failureOf(name, more);
    expect(failure).toMatchObject({ code, message: expect.stringMatching(says) });
  });

  test.each([
    ["a graph in this process", {}, input, {}, "invalid-option", /takes the file/],
    ["a module that is not there", "./none.ts", input, {}, "graph-not-found", /none\.ts/],
    [
      "a message that is no JSON",
      fixture("shop.ts:keyed"),
      [new Date(0)],
      {},
      "invalid-option",
      /0 is a Date/,
    ],
    [
      "an unknown option",
      fixture("shop.ts:keyed"),
      input,
      { effect: 1 },
      "invalid-option",
      /`effect`/,
    ],
    [
      "an option of another kind",
      fixture("shop.ts:keyed"),
      input,
      { effects: 1 },
      "invalid-option",
      /function/,
    ],
  ] as const)("%s", async (_title, graph, given, more, code, says) => {
    const attempt = expectSurvives(graph as string, given, more as SurvivalOptions);
    await expect(attempt).rejects.toMatchObject({ code, message: expect.stringMatching(says) });
  });
});
