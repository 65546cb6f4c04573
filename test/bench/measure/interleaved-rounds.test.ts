import { expect, test } from "vitest";

import { timeRounds } from "./interleaved-rounds.ts";

test("every way runs once a round, each of them first in turn, and none is always behind the same", async () => {
  const order: string[] = [];
  const run = (name: string) => async (): Promise<void> => void order.push(name);
  let batches = 0;
  const times = await timeRounds({
    reference: run("a"),
    variants: { b: run("b"), c: run("c") },
    rounds: 6,
    warmUpRounds: 0,
    betweenBatches: async () => void (batches += 1),
  });
  expect(order.join("")).toBe("abcbcacabcbaacbbac");
  expect(batches).toBe(2);
  expect(Object.keys(times)).toEqual(["b", "c"]);
  expect(times["b"]?.rounds).toBe(6);
});

test("rounds that warm up are run and not counted", async () => {
  let runs = 0;
  const run = async (): Promise<void> => void (runs += 1);
  const times = await timeRounds({
    reference: run,
    variants: { same: run },
    rounds: 2,
    warmUpRounds: 3,
    betweenBatches: async () => undefined,
  });
  expect(runs).toBe(10);
  expect(times["same"]?.rounds).toBe(2);
});
