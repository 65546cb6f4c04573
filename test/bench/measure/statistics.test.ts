import { describe, expect, test } from "vitest";

import { median, medianInterval } from "./statistics.ts";

describe("median", () => {
  test.each([
    { values: [3, 1, 2], middle: 2 },
    { values: [4, 1, 3, 2], middle: 2.5 },
    { values: [7], middle: 7 },
    { values: [], middle: Number.NaN },
  ])("of $values is $middle", ({ values, middle }) => {
    expect(median(values)).toBe(middle);
  });

  test("leaves the values in their order", () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

describe("the interval of the median", () => {
  const around = (spread: number): number[] =>
    Array.from({ length: 100 }, (_, index) => 1 + (spread * (index - 49.5)) / 100);

  test("holds the median and is the same for the same values", () => {
    const interval = medianInterval(around(0.4));
    expect(interval.low).toBeLessThan(1);
    expect(interval.high).toBeGreaterThan(1);
    expect(medianInterval(around(0.4))).toEqual(interval);
  });

  test("is narrower where the values are", () => {
    const wide = medianInterval(around(0.4));
    const narrow = medianInterval(around(0.1));
    expect(narrow.high - narrow.low).toBeLessThan((wide.high - wide.low) / 2);
  });

  test("is a point where all values are one", () => {
    expect(medianInterval([1.5, 1.5, 1.5])).toEqual({ low: 1.5, high: 1.5 });
  });
});
