import { expect, test } from "vitest";

import { observeResends } from "../src/detectors/resend.ts";
import { type ObservedTurn, digestTurn } from "../src/turns/turn-digest.ts";
import { called, parallel } from "./support/turns.ts";

const long = Array.from({ length: 500 }, (_, index) => `line${index}`);

function resendsOf(turns: readonly ObservedTurn[]): string[] {
  let state: Parameters<typeof observeResends>[0];
  return turns.map((turn) => {
    const observed = observeResends(state, digestTurn(turn));
    state = observed.state;
    return observed.resends.map(({ index, kind }) => `${index} ${kind}`).join(", ");
  });
}

test.each([
  ["identical", { q: "x" }, { q: "x" }, "a", "b"],
  ["equal", { q: "x" }, { q: "x\n", extra: [] }, "a", "b"],
  ["emptied", { id: 1, edits: ["a"] }, { id: 1, edits: [] }, "a", "b"],
  ["nearly-equal", { text: long.join(" ") }, { text: long.with(3, "y").join(" ") }, "a", "a"],
])("%s to the call before", (kind, one, other, before, after) => {
  expect(resendsOf([called("t", one, before), called("t", other, after)])).toEqual([
    "",
    `0 ${kind}`,
  ]);
});

test.each([
  ["another argument", called("t", { q: "x" }, "a"), called("t", { q: "y" }, "a")],
  ["another tool", called("t", { q: "x" }, "a"), called("u", { q: "x" }, "a")],
  ["an argument left out", called("t", { q: "x", page: 2 }, "a"), called("t", { q: "x" }, "a")],
  [
    "an argument emptied, another changed",
    called("t", { q: "x", f: [1] }, "a"),
    called("t", { q: "y", f: [] }, "a"),
  ],
  [
    "an argument empty both times",
    called("t", { q: "x", f: [] }, "a"),
    called("t", { q: "y", f: [] }, "a"),
  ],
  [
    "long and nearly equal, with another result",
    called("t", { text: long.join(" ") }, "a"),
    called("t", { text: long.with(3, "y").join(" ") }, "b"),
  ],
])("%s is no resend", (_, one, other) => {
  expect(resendsOf([one, other])).toEqual(["", ""]);
});

test("neighbours inside one turn and across turns are compared in order", () => {
  const x = { tool: "t", arguments: { q: "x" }, result: "a" };
  const y = { tool: "t", arguments: { q: "y" }, result: "a" };
  expect(resendsOf([parallel(x, x, y), parallel(y, x)])).toEqual(["1 identical", "0 identical"]);
});
