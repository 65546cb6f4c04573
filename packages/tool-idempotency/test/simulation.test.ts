import { expect, it } from "vitest";

import { simulate } from "./simulation/simulate.ts";
import type { Plant } from "./simulation/world.ts";

const SEEDS = 400;

it(`keeps every effect single in ${SEEDS} worlds of failing stores, dying workers and new plans`, async () => {
  const sums = { crashes: 0, reused: 0, parked: 0, replanned: 0 };
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { faults, ...counts } = await simulate(seed);
    expect({ seed, faults }).toEqual({ seed, faults: [] });
    for (const key of ["crashes", "reused", "parked", "replanned"] as const) {
      sums[key] += counts[key];
    }
  }
  // A world in which nothing happens proves nothing.
  expect(Math.min(...Object.values(sums))).toBeGreaterThan(50);
});

const PLANTS: readonly Plant[] = [
  "settles-any-token",
  "takes-the-dead",
  "ignores-the-lease",
  "forgets-ids",
];

it.each(PLANTS)("finds a store that %s", async (plant) => {
  const found: number[] = [];
  for (let seed = 1; seed <= 200 && found.length === 0; seed += 1) {
    if ((await simulate(seed, plant)).faults.length > 0) found.push(seed);
  }
  expect(found).toHaveLength(1);
});
