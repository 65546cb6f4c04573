import { describe, expect, test } from "vitest";

import { playBadDay } from "../bench/limits/bad-day.ts";
import type { PhaseCost } from "../bench/limits/bad-day.ts";
import { faultSchedule } from "../support/fault-schedule.ts";

test("a schedule of faults is the same for the same seed, and another for another", () => {
  expect(faultSchedule(7)).toEqual(faultSchedule(7));
  expect(faultSchedule(7)).not.toEqual(faultSchedule(8));
});

describe("one service's bad day, with a breaker", async () => {
  const [bare, ours] = [await playBadDay(7, false), await playBadDay(7, true)].map(
    (costs) => new Map(costs.map((cost) => [cost.phase, cost])),
  ) as [Map<string, PhaseCost>, Map<string, PhaseCost>];
  const of = (phase: string): { bare: PhaseCost; ours: PhaseCost } => {
    const both = { bare: bare.get(phase), ours: ours.get(phase) };
    if (both.bare === undefined || both.ours === undefined) throw new Error(phase);
    return both as { bare: PhaseCost; ours: PhaseCost };
  };

  test.each(["quiet", "transient", "throttled", "slow"])(
    "changes nothing where it is %s",
    (phase) => {
      const { bare: without, ours: withIt } = of(phase);
      expect(withIt).toEqual(without);
    },
  );

  test("calls a service that is down a tenth as often", () => {
    const { bare: without, ours: withIt } = of("hard down");
    expect(withIt.calls).toBeLessThan(without.calls / 10);
    expect(withIt.lostSeconds).toBeLessThan(without.lostSeconds / 10);
  });

  test("is back with the service", () => {
    const { bare: without, ours: withIt } = of("quiet again");
    expect(withIt.answered).toBeGreaterThan(without.answered * 0.5);
  });
});
