import { MemorySaver } from "@langchain/langgraph";
import fc from "fast-check";
import { beforeAll, describe, expect, test, vi } from "vitest";

import { CONCERNS } from "../support/packages.ts";
import type { Concern } from "../support/packages.ts";
import { KINDS, carryThrough, gaps } from "./shop.ts";
import type { Carried } from "./shop.ts";

const pairs = CONCERNS.flatMap((outer) =>
  CONCERNS.filter((inner) => inner !== outer).map((inner) => ({ outer, inner })),
);
const place = ({ name }: Concern): number => CONCERNS.findIndex((one) => one.name === name);

describe.each(KINDS)("nothing else is seen of a stack over a pause, on a %s", (kind) => {
  let bare: Carried["seen"];
  beforeAll(async () => {
    ({ seen: bare } = await carryThrough(kind, { checkpointer: new MemorySaver() }));
  });

  /** Runs a stack; what people and models see must be what they see of the bare graph. */
  async function assertUnseen(stack: readonly Concern[]): Promise<void> {
    const { seen, events } = await carryThrough(
      kind,
      { checkpointer: new MemorySaver() },
      (store) => stack.map(({ create }) => create(store)),
    );
    // A hand-written graph pays the sibling of a paused call again on resume; the ledger sees to that.
    const ledger = stack.some(({ folder }) => folder === "tool-idempotency");
    const effects = ledger ? [...new Set(bare.effects)] : bare.effects;
    expect(seen).toEqual({ ...bare, effects });
    expect(gaps(events)).toEqual([]);
    const freezes = stack.some(({ folder }) => folder === "config-freeze");
    expect(events.some(({ name }) => name === "config-frozen")).toBe(freezes);
  }

  test("the bare run pays what a person agreed to, once", () => {
    expect(bare.effects.filter((amount) => amount === 20)).toEqual([20]);
  });

  test.each(pairs)("$outer.name around $inner.name", async ({ outer, inner }) => {
    const warn = vi.spyOn(process, "emitWarning").mockReturnValue();
    await assertUnseen([outer, inner]);
    const warned = warn.mock.calls.map(([warning]) => String(warning));
    // An order that breaks a promise is said at construction, and the recommended one breaks none.
    const allowed =
      place(outer) < place(inner) ? "none" : `${inner.name} must stand before ${outer.name}`;
    expect(warned.filter((text) => !text.includes(allowed))).toEqual([]);
  });

  test("all of them at once, in any order", { timeout: 120_000 }, async () => {
    vi.spyOn(process, "emitWarning").mockReturnValue();
    const orders = fc.shuffledSubarray([...CONCERNS], { minLength: CONCERNS.length });
    await fc.assert(fc.asyncProperty(orders, assertUnseen), { numRuns: 6 });
  });
});
