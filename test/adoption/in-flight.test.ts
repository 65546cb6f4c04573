import { evenkeelPostgres } from "@evenkeel/postgres";
import { freshDatabase } from "@evenkeel/testing";
import type { FreshDatabase } from "@evenkeel/testing";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { recommendedStack } from "evenkeel";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { KINDS, carryThrough, gaps } from "../composition/shop.ts";
import type { Carried, Keeping, MakeStack } from "../composition/shop.ts";

let database: FreshDatabase;
let keeping: Required<Keeping>;
beforeAll(async () => {
  database = await freshDatabase();
  const schema = database.schema ?? "public";
  const checkpointer = new PostgresSaver(database.pool, undefined, { schema });
  const store = evenkeelPostgres(database.pool);
  await Promise.all([checkpointer.setup(), store.setup()]);
  keeping = { checkpointer, store };
});
afterAll(() => database.drop());

/** How a process has Evenkeel: not at all, watching, or at work. */
type With = "bare" | "observe" | "enforce";

const stackOf =
  (processes: readonly With[]): MakeStack =>
  (store, process) => {
    const mode = processes[process] ?? "bare";
    if (mode === "bare") return undefined;
    const toolIdempotency = { tools: { look_up: "pure", pay: "once" } } as const;
    return recommendedStack({ store, mode, toolIdempotency });
  };

describe.each(KINDS)("a thread of a %s with a pause, on Postgres", (kind) => {
  let bare: Carried["seen"];
  beforeAll(async () => {
    ({ seen: bare } = await carryThrough(kind, keeping));
  });

  test.each<{ title: string; processes: With[] }>([
    { title: "started bare, goes on with the stack", processes: ["bare", "enforce", "enforce"] },
    { title: "started with the stack, goes on bare", processes: ["enforce", "bare", "bare"] },
    { title: "started bare, goes on watched", processes: ["bare", "observe", "observe"] },
    {
      title: "started watched, goes on with the stack",
      processes: ["observe", "enforce", "enforce"],
    },
    {
      title: "started with the stack, goes on watched",
      processes: ["enforce", "observe", "observe"],
    },
    {
      title: "has the stack taken out and put in again",
      processes: ["enforce", "bare", "enforce"],
    },
    { title: "has the stack all along", processes: ["enforce", "enforce", "enforce"] },
    { title: "meets the stack with its second input", processes: ["bare", "bare", "enforce"] },
  ])("$title", async ({ processes }) => {
    const { seen, events } = await carryThrough(kind, keeping, stackOf(processes));
    // What was recorded before the pause, watched or not, is not done again by a stack at work.
    const reuses = processes[0] !== "bare" && processes[1] === "enforce";
    const effects = reuses ? [...new Set(bare.effects)] : bare.effects;
    expect(seen).toEqual({ ...bare, effects });
    expect(gaps(events)).toEqual([]);
  });
});
